// The libraries that models are trained with in AWS's other images: a folder each below .cache/frameworks, made when they are
// asked for (`npm test -- --frameworks`, `npm run setup -- --frameworks`), and read by the local cloud's training jobs.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, ROOT, VENV_PYTHON } from './environment.mjs';
import { stopChildrenOnSignals } from './processes.mjs';
import { Progress } from './progress.mjs';
import { ensure, logged } from './steps.mjs';

const FOLDER = join(CACHE, 'frameworks');
/** Debian's PyTorch is for this Python, which is that of the local cloud. */
const DEBIAN_PACKAGES = join('usr', 'lib', 'python3', 'dist-packages');
const DEBIAN_LIBRARIES = [
  'usr/lib/x86_64-linux-gnu',
  'usr/lib/aarch64-linux-gnu',
  ...['blas', 'lapack'].flatMap((name) => ['x86_64', 'aarch64'].map((kind) => `usr/lib/${kind}-linux-gnu/${name}`)),
  'usr/lib',
  'lib/x86_64-linux-gnu',
  'lib/aarch64-linux-gnu',
];

/** Where what a training job gets into its environment stands; local/tidemark_local/sagemaker/images.py reads it. */
const described = (name) => join(FOLDER, name, 'environment.json');
const describe = (name, environment) => writeFileSync(described(name), `${JSON.stringify(environment, null, 2)}\n`);

/** A library of PyPI, pinned by hash. */
function packages(name, environment) {
  const pins = join('setup', 'frameworks', `${name}.txt`);
  const site = join(FOLDER, name, 'site');
  return {
    title: `${name} → .cache/frameworks/${name}`,
    stamp: join(FOLDER, name, '.tidemark-stamp'),
    key: () =>
      createHash('sha256')
        .update(readFileSync(join(ROOT, pins)))
        .digest('hex'),
    probe: () => existsSync(described(name)),
    work: async (step) => {
      rmSync(site, { recursive: true, force: true });
      const args = ['-m', 'pip', 'install', '--require-hashes', '--no-deps', '--progress-bar', 'off', '--target', site];
      await logged(name, VENV_PYTHON, [...args, '-r', pins], environment, (line) => {
        const [, verb, what] = line.match(/^\s*(Collecting|Downloading|Installing)\s+(\S+)/) ?? [];
        if (verb) step.update(`${verb.toLowerCase()} ${what}`);
      });
      describe(name, { PYTHONPATH: site });
    },
  };
}

/**
 * PyPI has no PyTorch for the processor alone on Linux: it is the machine's, or Debian's, whose packages apt checks against
 * its signed list, unpacked beside everything else.
 */
function torch(python, environment) {
  const root = join(FOLDER, 'pytorch', 'root');
  return {
    title: 'pytorch → .cache/frameworks/pytorch',
    stamp: join(FOLDER, 'pytorch', '.tidemark-stamp'),
    key: () => 'torch 1',
    probe: () => existsSync(described('pytorch')),
    work: async (step) => {
      const own = said(python, ['-c', 'import os, torch; print(os.path.dirname(torch.__path__[0]))']);
      if (own !== undefined) return describe('pytorch', { PYTHONPATH: own.trim() });
      const install = ['install', '--no-install-recommends', 'python3-torch'];
      const names = () => said('apt-get', ['-s', ...install])?.match(/(?<=^Inst )\S+/gm) ?? [];
      if (names().length === 0) said('apt-get', ['update', '-qq']);
      const debs = names();
      if (!debs.includes('python3-torch'))
        throw new Error('no PyTorch in this machine’s Python 3.11, and no Debian package python3-torch to be had');
      const archives = join(FOLDER, 'pytorch', 'debs');
      for (const folder of [root, archives]) {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder, { recursive: true });
      }
      step.update(`downloading ${debs.length} packages`);
      await logged('pytorch', 'apt-get', ['download', ...debs], environment, () => undefined, archives);
      const files = readdirSync(archives);
      for (const [at, file] of files.entries()) {
        step.update(`unpacking ${at + 1} of ${files.length}`);
        await logged('pytorch', 'dpkg', ['-x', join(archives, file), root], environment);
      }
      rmSync(archives, { recursive: true });
      // The numpy of the local cloud is another one.
      rmSync(join(root, DEBIAN_PACKAGES, 'numpy'), { recursive: true, force: true });
      const libraries = DEBIAN_LIBRARIES.map((folder) => join(root, folder)).filter((folder) => existsSync(folder));
      describe('pytorch', { PYTHONPATH: join(root, DEBIAN_PACKAGES), LD_LIBRARY_PATH: libraries.join(':') });
    },
  };
}

function said(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 });
  return status === 0 ? stdout : undefined;
}

/**
 * Makes what is missing or outdated. A library that can't be had is said, and its tests are skipped with that sentence.
 * @param {{python: string, environment: NodeJS.ProcessEnv}} tools
 */
export async function prepareFrameworks({ python, environment }) {
  mkdirSync(FOLDER, { recursive: true });
  const release = stopChildrenOnSignals();
  const progress = new Progress();
  const steps = [packages('sklearn', environment), packages('tensorflow', environment), torch(python, environment)];
  for (const step of steps) {
    try {
      await ensure(step, progress);
    } catch (error) {
      console.error(`! ${step.title}: ${error.message.split('\n', 1)[0]}; what needs it is skipped.`);
    }
  }
  release();
}
