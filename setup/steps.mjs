// The set-up: three idempotent steps, each skipped when the stamp of its last success matches its inputs.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PYTHONS } from './checks.mjs';
import { CACHE, FUNCTIONS_NODE, JARS, ROOT, VENV, VENV_PYTHON } from './environment.mjs';
import { runLogged, stopChildrenOnSignals } from './processes.mjs';
import { Progress } from './progress.mjs';

const LOGS = join(CACHE, 'logs');

function hashOf(files, ...more) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(ROOT, file)));
  return hash.update(JSON.stringify(more)).digest('hex');
}

const jarNames = () => Object.keys(JSON.parse(readFileSync(join(ROOT, 'local', 'jars.lock.json'), 'utf8')).jars);

/** A step's stamp lies in what it makes, so deleting the folder deletes the stamp. */
function steps(python, environment) {
  const run = (name, command, args, onLine, env = environment) => logged(name, command, args, env, onLine);
  const packages = {
    title: 'npm packages → node_modules',
    stamp: join(ROOT, 'node_modules', '.tidemark-stamp'),
    // Not Node's version: once it is set up, npm's scripts find the functions' own Node first, and nothing here is built.
    key: () => hashOf(['package.json', 'package-lock.json', '.npmrc'], process.platform, process.arch),
    probe: () => existsSync(FUNCTIONS_NODE),
    work: async (step) => {
      const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
      const args = ['ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
      await run('npm', npm[0], [...npm.slice(1), ...args], (line) => step.update(line.slice(0, 80)));
    },
  };
  const venv = {
    title: 'Python packages → .venv',
    stamp: join(VENV, '.tidemark-stamp'),
    key: () => hashOf(['requirements.txt'], python),
    probe: () => existsSync(VENV_PYTHON),
    work: async (step) => {
      if (!existsSync(VENV_PYTHON)) await run('venv', python, ['-m', 'venv', VENV]);
      const args = ['-m', 'pip', 'install', '--require-hashes', '--progress-bar', 'off', '-r', 'requirements.txt'];
      await run('pip', VENV_PYTHON, args, (line) => {
        const [, verb, what] = line.match(/^\s*(Collecting|Downloading|Building|Installing)\s+(\S+)/) ?? [];
        if (verb) step.update(`${verb.toLowerCase()} ${what}`);
      });
    },
  };
  const jars = {
    title: "Spark's Iceberg jars → .cache/jars",
    stamp: join(JARS, '.tidemark-stamp'),
    key: () => hashOf(['local/tidemark_local/glue/jars.py', 'local/jars.lock.json']),
    probe: () => jarNames().every((name) => existsSync(join(JARS, name))),
    work: async (step) => {
      const args = ['-m', 'tidemark_local.glue.jars', '--dest', JARS];
      await run('jars', VENV_PYTHON, args, (line) => step.update(line.slice(0, 80)), {
        ...environment,
        PYTHONPATH: join(ROOT, 'local'),
      });
    },
  };
  return { packages, venv, jars };
}

/** Runs a command, its output in a log of that name; throws with its last lines when it fails. */
export async function logged(name, command, args, env, onLine, cwd = ROOT) {
  const log = join(LOGS, `${name}.log`);
  const { code, signal } = await runLogged(command, args, { cwd, env, log, onLine });
  if (code === 0) return;
  const tail = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15);
  throw new Error(
    `${command} ${args.slice(0, 3).join(' ')} … ended with ${signal ?? `code ${code}`}. Its last lines:\n  ${tail.join('\n  ')}\nThe whole log: ${log}`,
  );
}

function isDone(step) {
  return existsSync(step.stamp) && readFileSync(step.stamp, 'utf8') === step.key() && step.probe();
}

/**
 * What of the set-up beside the packages is missing or outdated.
 * @returns {string[]} folders
 */
export function undone() {
  // Which of its names Python was called by stands in the stamp, and is not asked for here: that starts processes.
  const venv = PYTHONS.some((python) => isDone(steps(python, {}).venv));
  const jars = isDone(steps('', {}).jars);
  return [...(venv ? [] : ['.venv']), ...(jars ? [] : ['.cache/jars'])];
}

/** Does a step unless its stamp is that of its inputs. */
export async function ensure(step, progress) {
  if (isDone(step)) return;
  await progress.step(step.title, async (shown) => {
    rmSync(step.stamp, { force: true });
    await step.work(shown);
    if (!step.probe())
      throw new Error(`${step.title}: the step ended well, but what it should have made is not there.`);
    writeFileSync(step.stamp, step.key());
  });
}

/**
 * Makes node_modules, .venv and the jars where they are missing or outdated. Independent steps run side by side.
 * @param {{python: string, environment: NodeJS.ProcessEnv}} tools
 * @returns {Promise<boolean>} false when a step failed (it has been said)
 */
export async function prepare({ python, environment }) {
  mkdirSync(LOGS, { recursive: true });
  mkdirSync(JARS, { recursive: true });
  const { packages, venv, jars } = steps(python, environment);
  if ([packages, venv, jars].every(isDone)) return true;
  const release = stopChildrenOnSignals();
  console.log('Setting up (cached: the next run skips this)');
  const progress = new Progress();
  const results = await Promise.allSettled([
    ensure(packages, progress),
    ensure(venv, progress).then(() => ensure(jars, progress)),
  ]);
  release();
  const failed = results.filter((result) => result.status === 'rejected');
  for (const { reason } of failed) console.error(`\n${reason.message}`);
  if (failed.length > 0)
    console.error('\nSet-up did not finish; run the command again when the cause is gone: finished steps are kept.');
  return failed.length === 0;
}
