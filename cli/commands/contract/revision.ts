/** A use case as it stood in a revision of its git repository, or as it was released. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { UseCaseIR } from '../../../core/ir/document.ts';
import { Release } from '../../../lib/config/released.ts';
import { loadUseCase } from '../../../lib/config/use-case.ts';
import { CliError, messageOf } from '../../errors.ts';

const run = promisify(execFile);
const MOST_BYTES = 64 * 1024 * 1024;

/** @param folder of the use case. @throws CliError where nothing was released */
export function released(folder: string): UseCaseIR {
  const { ir, file } = new Release(folder);
  if (ir === null)
    throw new CliError(
      `There is no ${file}: nothing was released yet. Name a git revision instead, such as HEAD, or release with \`npx tidemark features release\`.`,
      2,
    );
  return ir;
}

/**
 * The definitions are compiled by today's code: what is compared is what they say, not how it was read then.
 * @param folder of the use case
 * @throws CliError with exit code 2 for a revision that is not there, or has no such use case
 */
export async function atRevision(folder: string, revision: string): Promise<UseCaseIR> {
  const commit = await git(folder, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]);
  if (commit === null)
    throw new CliError(
      `${revision} is no revision of the repository of ${folder}: give a commit, a branch or a tag, or nothing for what was released.`,
      2,
    );
  const sha = commit.toString().trim();
  const work = mkdtempSync(join(tmpdir(), 'tidemark-revision-'));
  try {
    const listed = await git(folder, ['ls-tree', '-r', '-z', '--name-only', sha, '--', '.']);
    const files = (listed ?? '').toString().split('\0').filter(Boolean);
    if (files.length === 0) throw new CliError(`${revision} has no files in ${folder}.`, 2);
    for (const file of files) {
      const to = join(work, 'usecase', file);
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, (await git(folder, ['show', `${sha}:./${file}`])) ?? '');
    }
    try {
      return (await loadUseCase(join(work, 'usecase'), join(work, 'out'))).ir;
    } catch (error) {
      throw new CliError(`The use case of ${revision} can't be compiled by itself: ${messageOf(error)}`, 2);
    }
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** What it printed; null where it ended with an error. @throws CliError where there is no git */
async function git(cwd: string, args: readonly string[]): Promise<Buffer | null> {
  try {
    return (await run('git', [...args], { cwd, encoding: 'buffer', maxBuffer: MOST_BYTES })).stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new CliError('There is no git here, which knows revisions; without one, released.json is compared.');
    return null;
  }
}
