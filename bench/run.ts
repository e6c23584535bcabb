/** `npm run bench [-- options]`: measures, prints one table, and writes it where asked. `-- --help` lists the options. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { Progress } from '../setup/progress.mjs';
import { TOLERANCE } from './against/ratios.ts';
import { against } from './against/run.ts';
import { document } from './docs.ts';
import { machine } from './machine.ts';
import { inLambdaNode, ROOT } from './node-process.ts';
import { nodeParts } from './parts.ts';
import { beside, peers } from './peers/measure.ts';
import { pitRows } from './pit/run.ts';
import { qualityTable } from './quality/run.ts';
import type { Row } from './rows.ts';
import { scorerRows } from './scorer/run.ts';
import { sourceRows } from './sources/run.ts';
import { plainTable } from './table.ts';

interface Options {
  readonly only?: string;
  readonly json?: string;
  readonly profile?: boolean;
  readonly peers?: boolean;
  readonly quality?: boolean;
  readonly rolling?: boolean;
  readonly data?: readonly string[];
  readonly frameworks?: readonly string[];
  readonly writeDocs?: boolean;
  readonly against?: string;
  readonly rounds: number;
  readonly failingSeconds?: number;
}
type Say = (text: string) => void;

const options = new Command('npm run bench --')
  .description('Measures on this machine, side by side. A missed goal is printed and never fails the run.')
  .addOption(
    new Option('--only <part>', 'one part').choices([
      ...nodeParts.map(({ name }) => name),
      'pit',
      'quality',
      'sources',
      'scorer',
    ]),
  )
  .option('--peers', 'installs Feast 0.67 and PyFlink 1.20 into .cache/peers and measures them beside ours')
  .option('--quality', 'only the quality of models, out of time on real events of four data sets')
  .option('--rolling', 'with --quality: on rolling origins before the test slice, as when a model is chosen')
  .option('--data <name...>', 'with --quality: these data sets of bench/quality, such as cdnow')
  .option('--frameworks <name...>', 'with --quality: models of these frameworks, in place of those of the use cases')
  .option('--json <file>', 'writes the rows as JSON: name, value, unit, goal, met, beside')
  .addOption(
    new Option('--write-docs', 'writes docs/benchmarks.md, all of it').conflicts([
      'only',
      'quality',
      'rolling',
      'data',
      'frameworks',
    ]),
  )
  .addOption(
    new Option(
      '--against <rev>',
      'paired with a baseline commit; more than 10 % worse makes the exit code 1',
    ).conflicts([...['peers', 'quality', 'rolling', 'data', 'frameworks', 'writeDocs', 'profile', 'json']]),
  )
  .option('--rounds <n>', 'with --against: how often both are measured', count, 5)
  .option('--failing-seconds <n>', 'of part sources: how long the source beside it fails, 30 s unless said', count)
  .option('--profile', 'shows in which functions the parts that run in Node spend their time')
  .parse()
  .opts<Options>();

const progress = new Progress(process.stderr);
if (options.against !== undefined) process.exit(await compare(options.against, options));
const only = options.quality || options.rolling || options.data || options.frameworks ? 'quality' : options.only;
const wanted = (name: string) => only === undefined || only === name;
const rows: Row[] = [];
let quality = '';
let failed = false;

function count(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError(`found ${text}; allowed: a whole number above 0`);
  return Number(text);
}

/** @returns the exit code */
async function compare(rev: string, { only, rounds }: Options): Promise<number> {
  const comparable = [...nodeParts.map(({ name }) => name), 'pit'];
  if (only !== undefined && !comparable.includes(only)) {
    console.error(
      `--against: found --only ${only}; allowed: ${comparable.join(', ')}, whose figures are times and sizes.`,
    );
    return 2;
  }
  try {
    const found = await progress.step(`here against ${rev}`, (step) =>
      against({ root: ROOT, rev, parts: only ? [only] : comparable, rounds }, (text) => step.update(text)),
    );
    console.log(`\n${found.table}`);
    for (const name of found.unpaired) console.log(`only on one side, so not compared: ${name}`);
    const worse = found.ratios.filter(({ regressed }) => regressed);
    console.log(
      `\n${worse.length} of ${found.ratios.length} more than ${100 * TOLERANCE} % worse (median of ${rounds} rounds)`,
    );
    return worse.length > 0 || found.ratios.length === 0 ? 1 : 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

/** A part that can't run is said and makes the exit code 1; the others go on. */
async function measure(title: string, run: (say: Say) => Promise<void>): Promise<void> {
  try {
    await progress.step(title, (step) =>
      run((text) => (/^ *[\d.]+ % {2}/.test(text) ? progress.print(text) : step.update(text))),
    );
  } catch (error) {
    failed = true;
    progress.print(error instanceof Error ? error.message : String(error));
  }
}

/** Our rows of a part, with those of the peers beside them; a peer that can't run doesn't take ours away. */
async function part(name: string, title: string, ours: (say: Say) => Promise<Row[]>): Promise<void> {
  let found: Row[] = [];
  await measure(title, async (say) => {
    found = await ours(say);
  });
  const peer = peers[name];
  if (options.peers && peer && found.length > 0) {
    await measure(`${title}: peers`, async (say) => {
      found = beside(found, peer.unit, await peer.measure(say));
    });
  }
  rows.push(...found);
}

for (const { name, title } of nodeParts.filter((part) => wanted(part.name))) {
  await part(name, title, (say) => inLambdaNode(name, options.profile ?? false, say));
}
if (wanted('pit')) {
  await part('pit', 'point-in-time join in Spark', (say) => pitRows(say));
}
if (wanted('sources')) {
  await part('sources', 'signed requests to features, in the local cloud', (say) =>
    sourceRows(say, options.failingSeconds),
  );
}
if (wanted('scorer')) {
  await part('scorer', 'the model in process beside an endpoint, in the local cloud', scorerRows);
}
if (wanted('quality')) {
  await measure('quality of models, out of time', async (say) => {
    const { rolling, data, frameworks } = options;
    quality = await qualityTable(say, [
      ...(rolling ? ['--rolling'] : []),
      ...(data ? ['--data', ...data] : []),
      ...(frameworks ? ['--frameworks', ...frameworks] : []),
    ]);
  });
}
if (rows.length > 0) console.log(`\n${plainTable(rows)}`);
if (quality !== '') console.log(`\n${quality}`);
if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
if (options.writeDocs) {
  const text = document(rows, machine(), new Date().toISOString().slice(0, 10), quality);
  const file = path.join(ROOT, 'docs', 'benchmarks.md');
  writeFileSync(file, text);
  // The linter of the tests wants the columns of a table in line.
  execFileSync(path.join(ROOT, 'node_modules', '.bin', 'biome'), ['format', '--write', file], { cwd: ROOT });
}
process.exitCode = failed ? 1 : 0;
