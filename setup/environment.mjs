// Where things are, and the environment that every tool runs in.

import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder (absolute). */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** Everything that can be fetched or computed again; ignored by git. */
export const CACHE = join(ROOT, '.cache');
export const VENV = join(ROOT, '.venv');
export const VENV_PYTHON = join(VENV, 'bin', 'python');
export const JARS = join(CACHE, 'jars');
/**
 * Node as Lambda has it. On Linux of a package whose hash the lock holds, so that no install script fetches it; there is none
 * for other systems, where the Node that runs this has to be as new (`run.mjs`).
 */
export const FUNCTIONS_NODE =
  process.platform === 'linux'
    ? join(ROOT, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')
    : process.execPath;

/**
 * The environment of child processes: our Python and our node binaries first, Java 17 by JAVA_HOME, nothing asked
 * interactively and no usage reports sent.
 * @param {{home: string} | undefined} java
 */
export function toolEnvironment(java) {
  const path = [join(VENV, 'bin'), join(ROOT, 'node_modules', '.bin'), process.env.PATH ?? ''];
  return {
    ...process.env,
    PATH: path.join(':'),
    VIRTUAL_ENV: VENV,
    PYTHONDONTWRITEBYTECODE: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_NO_INPUT: '1',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    TIDEMARK_JARS: JARS,
    ...(java ? { JAVA_HOME: java.home } : {}),
  };
}
