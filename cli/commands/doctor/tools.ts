import { spawnSync } from 'node:child_process';
import { findTools } from '../../../setup/checks.mjs';
import { type Finding, ok, todo } from './finding.ts';

const NODE = { major: 20, minor: 11 };
/** The lock file's own format is npm 10's and newer. */
const NPM = 10;

/** Node, npm, Python and Java of this machine. */
export function toolFindings(): Finding[] {
  return [nodeFinding(process.versions.node), npmFinding(npmVersion()), ...languageFindings(findTools())];
}

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > NODE.major || (major === NODE.major && minor >= NODE.minor)) return ok('Node', version);
  return todo('Node', version, `Install Node ${NODE.major}.${NODE.minor} or newer from https://nodejs.org.`);
}

/** @param version undefined: there is no npm */
export function npmFinding(version: string | undefined): Finding {
  if (version !== undefined && Number(version.split('.')[0]) >= NPM) return ok('npm', version);
  return todo('npm', version ?? 'not found on PATH', `Install npm ${NPM} or newer: npm install --global npm@${NPM}.`);
}

function npmVersion(): string | undefined {
  const { status, stdout } = spawnSync('npm', ['--version'], { encoding: 'utf8', timeout: 20_000 });
  return status === 0 ? stdout.trim() : undefined;
}

/** The first that is missing is named. */
export function languageFindings(tools: ReturnType<typeof findTools>): Finding[] {
  if (tools.problem === undefined)
    return [ok('Python', `3.11 (${tools.python})`), ok('Java', `17 (${tools.java.home})`)];
  const subject = /needs Java/.test(tools.problem) ? 'Java' : 'Python';
  return [todo(subject, 'not as needed', tools.problem)];
}
