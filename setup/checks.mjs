// Finds Python 3.11 and Java 17 before anything is installed. What is missing is said in one sentence with the next step.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PROBE_TIMEOUT_MS = 20_000;
/** What Python 3.11 may be called, in the order in which it is looked for. */
export const PYTHONS = ['python3.11', 'python3', 'python'];

/**
 * @typedef {{ python: string, java: { home: string }, problem?: undefined }} Tools
 * @returns {Tools | { problem: string, python?: undefined, java?: undefined }}
 */
export function findTools(probe = { python: probePython, java: probeJava, javaHomes }) {
  const python = findPython(probe.python);
  if (python.problem) return { problem: python.problem };
  const java = findJava(probe.java, probe.javaHomes());
  if (java.problem) return { problem: java.problem };
  return { python: python.command, java: { home: java.home } };
}

/** The interpreter `venv` is made with: exactly 3.11, the version of Glue 5.1 and of the pinned wheels. */
function findPython(probe) {
  const seen = [];
  for (const command of PYTHONS) {
    const found = probe(command);
    if (!found) continue;
    if (found.version.startsWith('3.11.')) {
      if (found.venv) return { command };
      return {
        problem: `${command} has no "venv" module, which Tidemark needs for its own packages: install it (Debian and Ubuntu: apt-get install python3.11-venv) and run the command again.`,
      };
    }
    seen.push(`${command} is ${found.version}`);
  }
  const found = seen.length > 0 ? `here ${seen.join(' and ')}` : 'no Python was found on PATH';
  return {
    problem: `Tidemark needs Python 3.11 (the version of AWS Glue 5.1), and ${found}: install it (Debian and Ubuntu: apt-get install python3.11 python3.11-venv; macOS: brew install python@3.11; or https://www.python.org) and run the command again.`,
  };
}

/** Java 17 from JAVA_HOME, PATH or the usual folders: Spark 3.5 runs on it as AWS Glue 5.1 does. */
function findJava(probe, homes) {
  const seen = [];
  for (const { label, java } of homes) {
    const found = probe(java);
    if (!found) continue;
    if (found.major === 17) return { home: found.home };
    seen.push(`${label} is Java ${found.major}`);
  }
  const found = seen.length > 0 ? `here ${[...new Set(seen)].join(' and ')}` : 'no Java was found';
  return {
    problem: `Tidemark needs Java 17 (Spark and AWS Glue 5.1 run on it), and ${found}: install it (Debian and Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17; or https://adoptium.net), set JAVA_HOME to it and run the command again.`,
  };
}

function run(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: PROBE_TIMEOUT_MS });
  return result.error || result.status !== 0 ? undefined : `${result.stdout}\n${result.stderr}`;
}

function probePython(command) {
  const script =
    'import importlib.util as u, sys; print("%d.%d.%d" % sys.version_info[:3], bool(u.find_spec("venv") and u.find_spec("ensurepip")))';
  const match = run(command, ['-c', script])?.match(/(\d+\.\d+\.\d+) (True|False)/);
  return match ? { version: match[1], venv: match[2] === 'True' } : undefined;
}

function probeJava(java) {
  const text = run(java, ['-XshowSettings:properties', '-version']);
  const version = text?.match(/version "(?:1\.)?(\d+)/);
  const home = text?.match(/java\.home = (.+)/)?.[1]?.trim();
  if (!version) return undefined;
  return { major: Number(version[1]), home: home ?? dirname(dirname(realpathSync(java))) };
}

function javaHomes() {
  const homes = [];
  if (process.env.JAVA_HOME) homes.push({ label: 'JAVA_HOME', java: join(process.env.JAVA_HOME, 'bin', 'java') });
  homes.push({ label: 'java on PATH', java: 'java' });
  for (const [folder, suffix] of [
    ['/usr/lib/jvm', ''],
    ['/Library/Java/JavaVirtualMachines', 'Contents/Home'],
    ['/opt/homebrew/opt', ''],
  ]) {
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.includes('17')) : [];
    for (const name of names) homes.push({ label: name, java: join(folder, name, suffix, 'bin', 'java') });
  }
  return homes.filter(({ java }) => java === 'java' || existsSync(java));
}
