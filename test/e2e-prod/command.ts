/** Runs `tidemark` as a person does, in the environment of the local cloud. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { Session } from '../../cli/commands/demo/session.ts';
import { ROOT } from '../../cli/paths.ts';

/** @returns what it printed. @throws Error with that when its exit code is not 0 */
export function tidemark(session: Session, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: ROOT, env: session.connection.env, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [join(ROOT, 'cli', 'tidemark.mjs'), ...args], options, (error, stdout, stderr) => {
      if (error) reject(new Error(`tidemark ${args.join(' ')}: ${stdout}${stderr}`));
      else resolve(stdout + stderr);
    });
  });
}
