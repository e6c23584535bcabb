/** A checkout of another commit in .cache/baseline, with packages as it wants them. */
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

export interface Baseline {
  readonly commit: string;
  readonly folder: string;
}

/**
 * Makes it, or takes the one of an earlier run.
 * @param root of a git repository with node_modules and .venv in place
 * @param rev as git names commits
 * @throws Error in one sentence, when there is no such commit or its packages are others than ours
 */
export function baselineOf(root: string, rev: string, say: (text: string) => void): Baseline {
  const commit = commitOf(root, rev);
  const folder = path.join(root, '.cache', 'baseline', commit.slice(0, 12));
  if (!existsSync(path.join(folder, '.git'))) {
    say(`checking out ${commit.slice(0, 12)}`);
    // What an earlier run was interrupted in is made anew.
    rmSync(folder, { recursive: true, force: true });
    git(root, 'worktree', 'prune');
    git(root, 'worktree', 'add', '--force', '--detach', folder, commit);
  }
  if (!existsSync(path.join(folder, 'bench', 'run.ts')))
    throw new Error(`--against: found no bench/run.ts in ${rev}; allowed: a commit that has it.`);
  packages(root, folder, rev, say);
  return { commit, folder };
}

function commitOf(root: string, rev: string): string {
  try {
    return git(root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`);
  } catch {
    throw new Error(`--against: found no commit ${rev}; allowed: what \`git rev-parse\` knows, e.g. main or HEAD~1.`);
  }
}

function git(root: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

function packages(root: string, folder: string, rev: string, say: (text: string) => void): void {
  const same = (file: string) => readOr(path.join(root, file)) === readOr(path.join(folder, file));
  const has = (name: string) => existsSync(path.join(folder, name));
  const inIts = `\`npm run setup\` in ${path.relative(root, folder)} installs them, and then this command can be run again.`;
  if (!has('node_modules')) {
    if (!same('package-lock.json'))
      throw new Error(`--against: ${rev} has another package-lock.json, so our packages are not its own: ${inIts}`);
    say('linking its packages');
    // First beside its place: what is interrupted here is no half of a folder there.
    const beside = path.join(folder, '.cache', 'node_modules');
    rmSync(beside, { recursive: true, force: true });
    linkAll(path.join(root, 'node_modules'), beside);
    execFileSync('mv', [beside, path.join(folder, 'node_modules')]);
  }
  if (!has('.venv')) {
    if (!same('requirements.txt'))
      throw new Error(
        `--against: ${rev} has another requirements.txt, so our packages of Python are not its own: ${inIts}`,
      );
    if (existsSync(path.join(root, '.venv'))) symlinkSync(path.join(root, '.venv'), path.join(folder, '.venv'));
  }
}

const readOr = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);

function linkAll(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) linkAll(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkSync(source, target);
  }
}
