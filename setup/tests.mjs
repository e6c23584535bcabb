// Runs every check and every test, all of them even when one fails, and ends with `N passed, N failed`.

import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './environment.mjs';
import { OUT } from './parts.mjs';
import { runLogged, stopChildrenOnSignals } from './processes.mjs';
import { Progress, seconds } from './progress.mjs';
import { endedSince, readResults } from './results.mjs';
import { select } from './selection.mjs';
import { Silence } from './silence.mjs';
import { again } from './watch.mjs';

/** That work, on the two cores that CI has: each of them waits, too. Those that mostly wait have a lane beside. */
const SUITES_AT_ONCE = 2;
const LONGEST = 5;
const LAST_LINES = 60;
const LOOK_MS = 1_000;

/** @type {Counts} */
const NOTHING = { passed: 0, failed: 0, failures: [], warnings: [], unfinished: [], took: new Map() };

/** @typedef {import('./results.mjs').Counts} Counts @typedef {import('./parts.mjs').Part} Part */

/**
 * Runs one part; what passed before it was ended for its silence counts, and its end is one failure besides.
 * @param {Part} part @param {NodeJS.ProcessEnv} environment @param {Progress} progress
 * @param {{out?: string, each?: boolean, end?: AbortSignal}} [how] folder of the log; whether each test is said when it
 * ended; what ends the part from outside
 * @returns {Promise<Counts>}
 */
export async function runPart(part, environment, progress, { out = OUT, each = false, end } = {}) {
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
  const watch = part.results ? watchResults(part.results, silence, step, each && progress) : undefined;
  const env = { ...environment, ...part.env };
  const either = end ? AbortSignal.any([stop.signal, end]) : stop.signal;
  const { code, signal } = await runLogged(command, args, { cwd: ROOT, env, log, onLine, signal: either }).finally(
    () => {
      silence.stop();
      watch?.end();
    },
  );
  if (end?.aborted) {
    step.fail('given up, as a file was saved');
    return NOTHING;
  }
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

/** Each test that ends is a sign of life. @param {Progress | false} says each of them */
function watchResults(results, silence, step, says) {
  let size = 0;
  let read = 0;
  const look = () => {
    const now = statSync(results, { throwIfNoEntry: false })?.size ?? 0;
    if (now === size) return;
    size = now;
    silence.heard(`${size} bytes of results`);
    const { passed, failed, unfinished } = readResults(results);
    step.update(`${passed} passed, ${failed} failed, now ${unfinished.at(-1) ?? 'between two'}`);
    if (!says) return;
    const { lines, to } = endedSince(results, read);
    read = to;
    for (const line of lines) says.print(line);
  };
  const timer = setInterval(look, LOOK_MS);
  return {
    end: () => {
      clearInterval(timer);
      look();
    },
  };
}

/** A part that ended badly without saying which test failed has still failed: it counts as one. @returns {Counts} */
function countsOf(part, ok, how, ended) {
  if (!part.results)
    return ok ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1, failures: [`✗ ${part.name} ${how}`] };
  const counts = readResults(part.results) ?? NOTHING;
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
 * @param {readonly string[]} argv what stands behind `npm test --` (selection.mjs)
 * @returns {Promise<number>} 0 only when nothing failed
 */
export async function runTests(environment, argv) {
  const selection = select(argv);
  mkdirSync(OUT, { recursive: true });
  stopChildrenOnSignals();
  const env = { ...environment, CI: environment.CI ?? 'true' };
  if (!selection.watch) return runAll(selection, env);
  await again(ROOT, async (end, changed) => {
    if (changed.length > 0)
      console.log(`\n${changed.slice(0, LONGEST).join(', ')}${changed.length > LONGEST ? ' …' : ''}`);
    await runAll(select(argv), env, end);
    if (!end.aborted) console.log('waiting for the next file that is saved (Ctrl-C ends it)');
  });
  return 0;
}

/** @param {import('./selection.mjs').Selection} selection @param {AbortSignal} [end] @returns {Promise<number>} the exit code */
async function runAll({ checks, suites, each, atOnce }, env, end) {
  const started = Date.now();
  const progress = new Progress();
  const run = (part) => (end?.aborted ? NOTHING : runPart(part, env, progress, { each, end }));
  const checked = Promise.all(checks.map(run));
  // Whoever waits a minute waits for both; in a whole run, a fault of types is to be seen before the long work begins.
  if (!atOnce) await checked;
  const lanes = [suites.filter(({ waits }) => waits), suites.filter(({ waits }) => !waits)];
  const ended = await Promise.all([severalAtOnce(lanes[0], 1, run), severalAtOnce(lanes[1], SUITES_AT_ONCE, run)]);
  const results = [...(await checked), ...ended.flat()];
  if (end?.aborted) return 1;
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  const longest = results.flatMap(({ took }) => [...took]).sort(([, one], [, other]) => other - one);
  if (longest.length > LONGEST)
    console.log(
      `\nlongest: ${longest
        .slice(0, LONGEST)
        .map(([file, ms]) => `${file} ${seconds(ms)}`)
        .join(', ')}`,
    );
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
