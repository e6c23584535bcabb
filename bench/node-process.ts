/** A part in the Node of the Lambda functions, bundled as they are: measured is what runs there. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { execa } from 'execa';
import { FUNCTIONS_NODE } from '../setup/environment.mjs';
import type { Row } from './rows.ts';

/** The repository; also from the bundle, which lies two folders deep in it. */
export const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '..' : '../..', import.meta.url));
const FOLDER = path.join(ROOT, '.cache', 'bench');
const TIMEOUT_MS = 20 * 60_000;
const LAST_LINES = 10;

/** @returns path of the bundle of bench/worker.ts */
async function bundle(): Promise<string> {
  const outfile = path.join(FOLDER, 'worker.mjs');
  mkdirSync(FOLDER, { recursive: true });
  await build({
    entryPoints: [path.join(ROOT, 'bench', 'worker.ts')],
    outfile,
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    keepNames: true,
    external: ['esbuild'],
    logLevel: 'warning',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  return outfile;
}

/** @param profile writes a CPU profile and says where the time went. @throws Error when the process fails */
export async function inLambdaNode(part: string, profile: boolean, say: (text: string) => void): Promise<Row[]> {
  const more = profile ? ['--profile', path.join(FOLDER, `${part}.cpuprofile`)] : [];
  const output = await outputOf(FUNCTIONS_NODE, ['--expose-gc', await bundle(), part, ...more], say);
  return JSON.parse(output) as Row[];
}

/** Runs a program to its end. @returns its standard output. @param say told each line of its standard error */
export async function outputOf(
  command: string,
  args: readonly string[],
  say: (text: string) => void,
  env: NodeJS.ProcessEnv = process.env,
  cwd: string = ROOT,
): Promise<string> {
  const child = execa(command, args, {
    ...{ cwd, env, extendEnv: false, stdin: 'ignore', timeout: TIMEOUT_MS, reject: false, stripFinalNewline: false },
  });
  const last: string[] = [];
  for await (const line of child.iterable({ from: 'stderr' })) {
    last.push(line);
    if (last.length > LAST_LINES) last.shift();
    say(line);
  }
  const { stdout, failed, exitCode, signal, shortMessage } = await child;
  if (!failed) return stdout;
  const how = signal ?? (exitCode === undefined ? shortMessage : `code ${exitCode}`);
  throw new Error(`${path.basename(command)} ended with ${how}:\n${last.join('\n')}`);
}
