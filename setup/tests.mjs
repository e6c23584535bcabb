// Runs every check and every test, all of them even when one fails, and ends with `N passed, N failed`.

import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './environment.mjs';
import { OUT, parts } from './parts.mjs';
import { runLogged, stopChildrenOnSignals } from './processes.mjs';
import { Progress, seconds } from './progress.mjs';
import { readResults } from './results.mjs';
import { Silence } from './silence.mjs';

/** One that works beside one that waits, on the two cores that CI has. */
const SUITES_AT_ONCE = 2;
const LAST_LINES = 60;
const LOOK_MS = 1_000;

/** @typedef {import('./results.mjs').Counts} Counts @typedef {import('./parts.mjs').Part} Part */

/**
 * Runs one part; what passed before it was ended for its silence counts, and its end is one failure besides.
 * @param {Part} part @param {NodeJS.ProcessEnv} environment @param {Progress} progress @returns {Promise<Counts>}
 */
export async function runPart(part, environment, progress, out = OUT) {
  const step = progress.start(part.name);
  const log = join(out, `${part.id}.log`);
  if (part.results) rmSync(part.results, { force: true });
  const [command, ...args] = part.command;
  const lines = [];
  const stop = new AbortController();
  const silence = new Silence(part.silenceMs, () => stop.abort());
  const onLine = (line) => {
    lines.push(line);
    silence.heard(line);
  };
  const watch = part.results ? watchResults(part.results, silence, step) : undefined;
  const env = { ...environment, ...part.env };
  const { code, signal } = await runLogged(command, args, { cwd: ROOT, env, log, onLine, signal: stop.signal }).finally(
    () => {
      silence.stop();
      clearInterval(watch);
    },
  );
  const how = stop.signal.aborted
    ? `was ended, as it said nothing new for ${seconds(part.silenceMs)}`
    : `ended with ${signal ?? `code ${code}`}`;
  const counts = countsOf(part, code === 0 && !stop.signal.aborted, how, stop.signal.aborted);
  for (const warning of counts.warnings) progress.print(warning);
  if (counts.failed === 0) step.done(`${counts.passed} passed`);
  else {
    step.fail(`${counts.passed} passed, ${counts.failed} failed`);
    const said = part.results && !stop.signal.aborted ? [] : lines.slice(-LAST_LINES);
    progress.print([...counts.failures, ...said, `(the whole log: ${log})`, ''].join('\n'));
  }
  return counts;
}

/** Each test that ends is a sign of life. */
function watchResults(results, silence, step) {
  let size = 0;
  return setInterval(() => {
    const now = statSync(results, { throwIfNoEntry: false })?.size ?? 0;
    if (now === size) return;
    size = now;
    silence.heard(`${size} bytes of results`);
    const { passed, failed, unfinished } = readResults(results);
    step.update(`${passed} passed, ${failed} failed, now ${unfinished.at(-1) ?? 'between two'}`);
  }, LOOK_MS);
}

/** A part that ended badly without saying which test failed has still failed: it counts as one. @returns {Counts} */
function countsOf(part, ok, how, ended) {
  const none = { passed: 0, failed: 0, failures: [], warnings: [], unfinished: [] };
  if (!part.results) return ok ? { ...none, passed: 1 } : { ...none, failed: 1, failures: [`✗ ${part.name} ${how}`] };
  const counts = readResults(part.results) ?? none;
  const under = counts.unfinished.length > 0 ? `; not finished: ${counts.unfinished.join(', ')}` : '';
  const besides = (what) => ({
    ...counts,
    failed: counts.failed + 1,
    failures: [...counts.failures, `✗ ${part.name} ${what}${under}`],
  });
  if (ended) return besides(how);
  if (counts.passed + counts.failed === 0) return besides(`${how} and ran no test`);
  if (counts.unfinished.length > 0) return besides(how);
  if (!ok && counts.failed === 0) return besides(`${how} though no test failed`);
  return counts;
}

/**
 * @param {readonly string[]} argv `--only <id>[,<id>]`: these parts, also those that run on demand
 * @returns {Promise<number>} 0 only when nothing failed
 */
export async function runTests(environment, argv) {
  const { checks, suites } = parts();
  const only = argv[0] === '--only' ? (argv[1] ?? '').split(',') : undefined;
  const known = [...checks, ...suites].map(({ id }) => id);
  const unknown = only?.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    console.error(`--only: found ${unknown || 'nothing'}; allowed: ${known.join(', ')}, or several with commas.`);
    return 2;
  }
  mkdirSync(OUT, { recursive: true });
  stopChildrenOnSignals();
  const started = Date.now();
  const progress = new Progress();
  const env = { ...environment, CI: environment.CI ?? 'true' };
  const wanted = (part) => (only ? only.includes(part.id) : !part.onDemand);
  const run = (part) => runPart(part, env, progress);
  const results = await Promise.all(checks.filter(wanted).map(run));
  results.push(...(await severalAtOnce(suites.filter(wanted), SUITES_AT_ONCE, run)));
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  console.log(`\nin ${seconds(Date.now() - started)}`);
  // Once more at the end, where the last lines of a log are all that somebody sees.
  for (const { failures } of results) for (const failure of failures) console.log(failure.split('\n', 1)[0]);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

/** In order, the next one when one has ended. */
async function severalAtOnce(all, atOnce, run) {
  const waiting = [...all];
  const results = [];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results.push(await run(next));
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return results;
}
