import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { RUNS } from '../paths.ts';

const FILE = join(RUNS, 'local.json');

const localState = z.object({
  /** The process that owns the cloud. */
  pid: z.int().positive(),
  started: z.number(),
  log: z.string(),
  /** The Slack receiver of this cloud. */
  slackUrl: z.string(),
  cloud: z.object({
    endpoint: z.string(),
    stateDir: z.string(),
    env: z.record(z.string(), z.string()),
    clientConfig: z.object({
      endpoint: z.string(),
      region: z.string(),
      credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
      forcePathStyle: z.literal(true),
    }),
  }),
});

export type LocalState = z.infer<typeof localState>;

/** Whether a process exists (it may belong to somebody else). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The local cloud that runs in the background; undefined when none does (what a dead one left is removed). */
export function readLocalState(): LocalState | undefined {
  if (!existsSync(FILE)) return undefined;
  const parsed = localState.safeParse(JSON.parse(readFileSync(FILE, 'utf8')));
  if (parsed.success && isAlive(parsed.data.pid)) return parsed.data;
  rmSync(FILE, { force: true });
  return undefined;
}

export function writeLocalState(state: LocalState): void {
  mkdirSync(RUNS, { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}

export function removeLocalState(): void {
  rmSync(FILE, { force: true });
}
