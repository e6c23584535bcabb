/** `npm run simulate [-- options]`: faults between a stream, the processor and its stores. `-- --help` lists the options. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { Progress } from '../../setup/progress.mjs';
import { PLANTED } from './planted-bugs.ts';
import { REAL } from './sandbox.ts';
import { simulate } from './simulate.ts';
import { failureOf, Total } from './total.ts';

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly plant?: string;
}

const options = new Command('npm run simulate --')
  .description(
    'Runs Kinesis, the real processor, the online table, the scorer and its alerts in one process and in virtual time, with\n' +
      'faults drawn from each seed. Exit code 1 when a seed loses an event or an alert, counts or sends one twice, serves an\n' +
      'older state or never catches up.',
  )
  .addOption(new Option('--seeds <n>', 'how many seeds').argParser(wholeNumber(1)).default(1000))
  .addOption(new Option('--from <seed>', 'the first one').argParser(wholeNumber(0)).default(0))
  .addOption(
    new Option('--plant <bug>', 'replaces a part by a wrong one, which has to be found').choices(Object.keys(PLANTED)),
  )
  .parse()
  .opts<Options>();

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Found no whole number; allowed: ${least} or more.`);
  };
}

const progress = new Progress(process.stderr);
const sandbox = options.plant === undefined ? REAL : PLANTED[options.plant]!;
const total = new Total();
const failed: number[] = [];
await progress.step(`simulating ${options.seeds} seeds from ${options.from}`, async (step) => {
  for (let i = 0; i < options.seeds; i++) {
    const outcome = await simulate(options.from + i, sandbox);
    total.add(outcome);
    step.update(`seed ${outcome.seed}, ${i + 1} of ${options.seeds}`);
    if (outcome.violations.length === 0) continue;
    failed.push(outcome.seed);
    if (failed.length <= 10) progress.print(failureOf(outcome));
  }
});
console.log(
  `compared ${total.values} values with the oracle, left out ${total.inexact} that a retraction left inexact; slowest to catch up: ${total.drained} ms of virtual time`,
);
if (failed.length > 0) console.log(`${failed.length} seeds failed: ${failed.slice(0, 20).join(', ')}`);
console.log(String(total));
process.exitCode = failed.length > 0 ? 1 : 0;
