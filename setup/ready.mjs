// Whether a command of `npx tidemark` finds what it needs. Node's own modules only: it is asked before anything is installed.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './environment.mjs';
import { undone } from './steps.mjs';

const NODE = [20, 11];
const SET_UP = 'run `npm run setup`, and then this command again.';

/**
 * @param {readonly string[]} args of the command line
 * @returns {string | undefined} what is missing and which command brings it, in one sentence; undefined: nothing is
 */
export function notReady(args) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < NODE[0] || (major === NODE[0] && minor < NODE[1]))
    return `Tidemark needs Node ${NODE.join('.')} or newer, and this is ${process.versions.node}: install it from https://nodejs.org, and then run this command again.`;
  const packages = packagesProblem();
  if (packages) return `Tidemark is not set up in this folder (${packages}): ${SET_UP}`;
  const parts = needsTheWhole(args) ? undone() : [];
  if (parts.length > 0)
    return `Tidemark is not wholly set up in this folder (${parts.join(' and ')} missing or outdated): ${SET_UP}`;
  return undefined;
}

/** @param {Error} error of an import; a package of a package may be missing, too @returns {string | undefined} */
export function importProblem(error) {
  const missing = error.code === 'ERR_MODULE_NOT_FOUND' && /'([^']+)'/.exec(error.message)?.[1];
  return missing ? `Tidemark is not wholly set up in this folder (${missing} was not found): ${SET_UP}` : undefined;
}

/** `npm ci` alone is enough for an account: it leaves no stamp, so the packages themselves are looked at. */
function packagesProblem() {
  if (!existsSync(join(ROOT, 'node_modules'))) return 'node_modules is missing';
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const [name, wanted] of Object.entries({ ...dependencies, ...devDependencies })) {
    const found = versionOf(name);
    if (found === undefined) return `node_modules has no ${name}`;
    if (found !== wanted) return `node_modules has ${name} ${found}, not ${wanted}`;
  }
  return undefined;
}

function versionOf(name) {
  try {
    return JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}

/** The local cloud and Spark are Python and Java. What goes to an account, or only says something, is neither. */
function needsTheWhole(args) {
  const words = args.filter((arg) => !arg.startsWith('-'));
  const has = (...names) => names.some((name) => args.includes(name));
  if (words.length === 0 || has('--help', '-h', '--version') || words[0] === 'help') return false;
  const at = args.indexOf('--stage');
  const stage = at >= 0 ? args[at + 1] : args.find((arg) => arg.startsWith('--stage='))?.slice('--stage='.length);
  if (stage !== undefined && stage !== 'local') return false;
  const command = words.slice(0, 2).join(' ');
  if (command === 'features eval') return has('spark', '--engine=spark');
  return !['features release', 'local stop', 'local status'].includes(command) && words[0] !== 'doctor';
}
