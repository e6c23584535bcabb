import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const EVERY_MS = 1_000;
const run = promisify(execFile);

interface ProcessMemory {
  readonly pid: number;
  readonly parent: number;
  readonly bytes: number;
}

/** Proportional set size where the kernel tells it (shared pages counted once), else resident set size. */
async function linuxProcesses(): Promise<ProcessMemory[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map<number, number>();
  for (const pid of pids) {
    const stat = await readOrNothing(`/proc/${pid}/stat`);
    // The second field is the name in brackets and may hold anything; the parent comes after the state.
    const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    if (parent !== undefined) parents.set(pid, Number(parent));
  }
  const ours = descendants(process.pid, parents);
  const found: ProcessMemory[] = [];
  for (const pid of ours) {
    const rollup = await readOrNothing(`/proc/${pid}/smaps_rollup`);
    const kib = rollup?.match(/^Pss:\s+(\d+) kB/m)?.[1];
    if (kib !== undefined) found.push({ pid, parent: parents.get(pid) ?? 0, bytes: Number(kib) * 1024 });
  }
  return found;
}

async function otherProcesses(): Promise<ProcessMemory[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,ppid=,rss=']);
  const all = stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [pid = 0, parent = 0, kib = 0] = line.trim().split(/\s+/).map(Number);
      return { pid, parent, bytes: kib * 1024 };
    });
  const ours = descendants(process.pid, new Map(all.map(({ pid, parent }) => [pid, parent])));
  return all.filter(({ pid }) => ours.has(pid));
}

/** A process may end while we look at it. */
async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** `root` and everything below it. */
export function descendants(root: number, parents: ReadonlyMap<number, number>): ReadonlySet<number> {
  const children = new Map<number, number[]>();
  for (const [pid, parent] of parents) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const found = new Set<number>();
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    if (found.has(pid)) continue;
    found.add(pid);
    open.push(...(children.get(pid) ?? []));
  }
  return found;
}

/** Samples the memory of this process and all it started, every second. */
export class MemoryWatch {
  #peak = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  start(): void {
    this.#timer = setInterval(() => void this.#look(), EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Highest sum seen so far (bytes). */
  get peakBytes(): number {
    return this.#peak;
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const all = await (process.platform === 'linux' ? linuxProcesses() : otherProcesses());
      this.#peak = Math.max(
        this.#peak,
        all.reduce((sum, { bytes }) => sum + bytes, 0),
      );
    } finally {
      this.#looking = false;
    }
  }
}
