/** `npm run bench [-- --json FILE] [-- --rolling]`: measures the model's quality out of time, on the real events. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const { status } = spawnSync(
  `${ROOT}.venv/bin/python`,
  [`${ROOT}bench/quality/out_of_time.py`, ...process.argv.slice(2)],
  {
    cwd: ROOT,
    stdio: 'inherit',
  },
);
process.exitCode = status ?? 1;
