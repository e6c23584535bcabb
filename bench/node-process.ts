/** A part in the Node of the Lambda functions, bundled as they are: measured is what runs there. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { FUNCTIONS_NODE } from '../setup/environment.mjs';
import type { Row } from './rows.ts';

/** The repository; also from the bundle, which lies two folders deep in it. */
export const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '..' : '../..', import.meta.url));
const FOLDER = path.join(ROOT, '.cache', 'bench');
const TIMEOUT_MS = 20 * 60_000;

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
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
  let output = '';
  const last: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    last.push(line);
    if (last.length > 10) last.shift();
    say(line);
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...end) => resolve(end));
  });
  if (code !== 0)
    throw new Error(`${path.basename(command)} ended with ${signal ?? `code ${code}`}:\n${last.join('\n')}`);
  return output;
}
