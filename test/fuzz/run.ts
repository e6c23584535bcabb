/** `npm run fuzz [-- options]`: odd records through the stream and Spark. `-- --help` lists the options. */
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ROOT, VENV_PYTHON } from '../../setup/environment.mjs';
import { runLogged, stopChildrenOnSignals } from '../../setup/processes.mjs';
import { Progress } from '../../setup/progress.mjs';
import { SOURCES } from '../lambdas/intake-http/door.ts';
import { fuzzDoor } from './doors.ts';
import { fuzz } from './pipeline.ts';
import { fuzzWay, WAYS } from './ways.ts';

interface Options {
  readonly seed: number;
  readonly records: number;
  readonly streamOnly?: boolean;
  readonly doors?: number;
}

const { seed, records, streamOnly, doors } = new Command('npm run fuzz --')
  .description(
    'Sends odd records from a seed through admission, processor, archiver, publisher, and through compaction and landing in Spark.\n' +
      'Exit code 1 when something raises, a record is lost, counts differ, or the two languages say something else of a record.',
  )
  .addOption(new Option('--seed <n>', 'what the records are drawn from').argParser(wholeNumber(0)).default(1))
  .addOption(new Option('--records <n>', 'how many').argParser(wholeNumber(1)).default(10_000))
  .addOption(
    new Option(
      '--doors <n>',
      'instead: so many odd requests at the front door of each HTTP source, and odd records by each other way',
    ).argParser(wholeNumber(1)),
  )
  .addOption(new Option('--stream-only', 'without Spark: some seconds instead of minutes'))
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
stopChildrenOnSignals();
let failed = false;
if (doors === undefined) await allRecords();
else await allDoors(doors);
if (failed)
  console.log(
    `again: npm run fuzz -- --seed ${seed} ${doors === undefined ? `--records ${records}` : `--doors ${doors}`}`,
  );
process.exitCode = failed ? 1 : 0;

function told(problems: readonly string[]): void {
  for (const problem of problems.slice(0, 20)) progress.print(problem);
  if (problems.length > 20) progress.print(`and ${problems.length - 20} more`);
  if (problems.length > 0) failed = true;
}

function listed(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

async function allDoors(requests: number): Promise<void> {
  const doors = [
    ...SOURCES.map((source) => ({ source, what: 'requests', run: fuzzDoor })),
    ...WAYS.map((source) => ({ source, what: 'records', run: fuzzWay })),
  ];
  for (const { source, what, run } of doors)
    await progress.step(`${requests} odd ${what} of seed ${seed} at ${source}`, async () => {
      const { problems, counts, heap, slowest } = await run(source, seed, requests);
      told(problems);
      const [early, late] = heap.map((bytes) => (bytes / 1024 / 1024).toFixed(1));
      console.log(`${listed(counts)}; slowest ${slowest} ms; heap ${early} MiB after a tenth, ${late} MiB at the end`);
    });
}

async function allRecords(): Promise<void> {
  await progress.step(`${records} odd records of seed ${seed} through the stream`, async () => {
    const { problems, counts } = await fuzz(seed, records);
    told(problems);
    console.log(listed(counts));
  });
  if (!failed && !streamOnly) {
    await progress.step('the same records in Spark', async (step) => {
      const args = ['-m', 'pytest', 'test/python/spark/test_fuzz.py', '-q', '-p', 'no:cacheprovider'];
      const said: string[] = [];
      const { code } = await runLogged(VENV_PYTHON, args, {
        cwd: ROOT,
        env: { ...process.env, TIDEMARK_FUZZ: `${seed} ${records}` },
        log: join(ROOT, '.cache', 'fuzz.log'),
        signal: undefined,
        onLine: (line: string) => {
          said.push(line);
          step.update(line.slice(0, 80));
        },
      });
      if (code === 0) return;
      failed = true;
      progress.print(
        said
          .filter((line) => line.startsWith('E ') || line.includes('again:'))
          .slice(0, 20)
          .join('\n'),
      );
    });
  }
}
