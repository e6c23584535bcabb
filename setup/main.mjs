// Dispatches `node setup/run.mjs <command>`; every command is preceded by the idempotent set-up.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findTools } from './checks.mjs';
import { ROOT, toolEnvironment } from './environment.mjs';
import { prepareFrameworks } from './frameworks.mjs';
import { exitCodeOf, runAttached } from './processes.mjs';
import { select } from './selection.mjs';
import { prepare } from './steps.mjs';

const COMMANDS = {
  demo: 'deploy to the local cloud, load history, train, replay, alert, and show the page',
  test: 'run every check and every test',
  bench: 'run the benchmarks',
  simulate: 'run the fault simulation',
  fuzz: 'send odd records through the stream and Spark',
  conformance: 'run the public DynamoDB suite against the local cloud',
  screenshot: 'take the pictures of the page for the README, from recorded data',
  prepare: 'only set up node_modules, .venv and the jars; with --frameworks also scikit-learn, TensorFlow and PyTorch',
};

const SCRIPTS = {
  demo: join('cli', 'tidemark.mjs'),
  bench: join('bench', 'run.ts'),
  simulate: join('test', 'simulation', 'run.ts'),
  fuzz: join('test', 'fuzz', 'run.ts'),
  conformance: join('test', 'conformance', 'dynamodb.ts'),
  screenshot: join('test', 'browser', 'screenshot.ts'),
};

/** @param {string[]} argv @returns {Promise<number>} the exit code */
export async function main(argv) {
  const [command, ...rest] = argv;
  if (!command || !Object.hasOwn(COMMANDS, command)) {
    const list = Object.entries(COMMANDS).map(([name, text]) => `  ${name.padEnd(13)}${text}`);
    console.error(`usage: node setup/run.mjs <command> [options]\n\n${list.join('\n')}`);
    return 2;
  }
  // What can be answered is answered before anything is installed.
  const asked = command === 'test' ? select(rest) : {};
  if (asked.help) console.log(asked.help);
  if (asked.problem) console.error(asked.problem);
  if (asked.help || asked.problem) return asked.problem ? 2 : 0;
  const found = findTools();
  if (found.problem) {
    console.error(found.problem);
    return 1;
  }
  const environment = toolEnvironment(found.java);
  if (!(await prepare({ python: found.python, environment }))) return 1;
  const needed = asked.suites?.some(({ id }) => id === 'frameworks') || rest.includes('--frameworks');
  if (needed) await prepareFrameworks({ python: found.python, environment });
  if (command === 'prepare') return 0;
  if (command === 'test') {
    const { runTests } = await import('./tests.mjs');
    return runTests(environment, rest);
  }
  const script = SCRIPTS[command];
  if (!existsSync(join(ROOT, script))) {
    console.error(`${script} does not exist in this checkout, so there is nothing to run for "${command}".`);
    return 1;
  }
  const args = command === 'demo' ? [script, 'demo', ...rest] : ['--import', 'tsx', script, ...rest];
  return exitCodeOf(await runAttached(process.execPath, args, { cwd: ROOT, env: environment }));
}
