/** What the figures were measured on; no names and no paths of it. */
import { execFileSync } from 'node:child_process';
import { cpus, platform, release, totalmem } from 'node:os';
import path from 'node:path';
import { FUNCTIONS_NODE } from '../setup/environment.mjs';
import { ROOT } from './node-process.ts';

/** @returns one line for each thing that decides a figure */
export function machine(): string[] {
  const python = path.join(ROOT, '.venv', 'bin', 'python');
  const said = (command: string, args: readonly string[]) =>
    execFileSync(command, args, { encoding: 'utf8', timeout: 60_000 }).trim();
  const versions =
    'import sys, pyspark, numpy, pyarrow; print(f"Python {sys.version.split()[0]}, Spark {pyspark.__version__}, numpy {numpy.__version__}, Arrow {pyarrow.__version__}")';
  return [
    `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB of memory, ${platform()} ${release().split('-')[0]}`,
    `Node ${said(FUNCTIONS_NODE, ['--version'])} for the parts that run in Lambda, ${said(python, ['-c', versions])}`,
  ];
}
