/** From a file to a use case: look at all rows, ask what can't be seen, write, and try what was written on all rows. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { Progress } from '../../../setup/progress.mjs';
import { loadDefinitions } from '../../definitions.ts';
import { CliError } from '../../errors.ts';
import { jsonFormat } from '../../input/lines.ts';
import { csvDelimiter } from '../../input/rows/csv.ts';
import { formatOf } from '../../input/rows/read.ts';
import { isUtf8 } from '../../input/text.ts';
import { ROOT } from '../../paths.ts';
import { unitsOf } from '../features/units.ts';
import { type Checked, checked } from './check.ts';
import { nameOf, singular, snake } from './names.ts';
import { type FileWay, MAX_USE_CASE, type Naming, type Plan, planOf } from './plan.ts';
import { profileOf } from './profile/profile.ts';
import { asking, type RoleOptions, rolesOf } from './roles.ts';
import { eventsFile, sourcesFile } from './write/contracts.ts';
import { type View, viewOf } from './write/features.ts';
import { indexFile, labelFile, modelFile } from './write/learning.ts';
import { assumed, type Places, readmeFile, refusals } from './write/readme.ts';

export interface InitOptions extends RoleOptions {
  readonly from: readonly string[];
  readonly type?: string;
  readonly name?: string;
  readonly out?: string;
}

/** @throws CliError that says which option or which part of the file to change */
export async function init(folderName: string, options: InitOptions): Promise<void> {
  const naming = namingOf(folderName, options);
  const folder = options.out === undefined ? join(ROOT, 'usecases', folderName) : resolve(options.out, folderName);
  if (existsSync(folder)) throw new CliError(`${shown(folder)} is there already: give another name, or delete it.`, 2);
  const progress = new Progress(process.stderr);
  const profile = await progress.step(
    `Look at ${options.from.join(', ')}`,
    (step) => profileOf(options.from, (rows) => step.update(`${rows.toLocaleString('en-US')} rows`)),
    ({ rows, columns }) => `${rows.toLocaleString('en-US')} rows, ${columns.length} columns`,
  );
  if (profile.rows === 0)
    throw new CliError(`There are no rows in ${options.from.join(', ')}: give a file that has some.`, 2);
  const { ask, close } = asking();
  const roles = await rolesOf(profile, options, naming.eventType, ask).finally(close);
  const plan = planOf(profile, roles, naming, await wayOf(profile.files[0]!));
  const view = viewOf(plan);
  const inside = options.out === undefined;
  const places: Places = { usecase: inside ? folderName : shown(folder), from: options.from };
  const result = await written(folder, plan, view, places, progress);
  report(plan, result, places, folder);
}

/** By the first file. */
async function wayOf(path: string): Promise<FileWay> {
  const format = await formatOf(path);
  if (format === 'parquet' || !(await isUtf8(path))) return null;
  if (format === 'json') return { format: await jsonFormat(path) };
  const delimiter = await csvDelimiter(path);
  return delimiter === null ? null : { format, delimiter };
}

function namingOf(folderName: string, { from, name, type }: InitOptions): Naming {
  if (!/^[A-Za-z][\w-]*$/.test(folderName))
    throw new CliError(`The name of a use case is letters, digits, - and _, such as my-case.`, 2);
  const file = snake(basename(from[0]!).replace(/(\.(gz|csv|tsv|txt|json|jsonl|ndjson|parquet))+$/i, ''));
  const eventType = nameOf(type ?? singular(file), 'event');
  if (type !== undefined && type !== eventType)
    throw new CliError(`--type: found a name that is none of an event type; allowed: ${eventType}.`, 2);
  const useCase = nameOf(name ?? folderName, 'usecase')
    .slice(0, MAX_USE_CASE)
    .replace(/_+$/, '');
  if (name !== undefined && name !== useCase)
    throw new CliError(`--name: found a name that is none of a use case; allowed: ${useCase}.`, 2);
  return { useCase, eventType, source: nameOf(file, 'rows').slice(0, 32).replace(/_+$/, '') };
}

/** Beside its place until it is whole: what can't be compiled is never there. */
async function written(folder: string, plan: Plan, view: View, places: Places, progress: Progress): Promise<Checked> {
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(join(dirname(folder), '.init-'));
  try {
    const write = (name: string, text: string) => writeFileSync(join(work, name), text);
    write('events.ts', eventsFile(plan));
    write('sources.ts', sourcesFile(plan));
    write('features.ts', view.file);
    if (plan.learning) {
      write('label.ts', labelFile(plan));
      write('model.ts', modelFile(plan, view));
    }
    write('index.ts', indexFile(plan));
    const { ir } = await loadDefinitions(work);
    const result = await progress.step(
      'Try the contract on every row',
      (step) =>
        checked(plan.profile.files, ir, plan.source, (rows) => step.update(`${rows.toLocaleString('en-US')} rows`)),
      ({ events }) => `${events.toLocaleString('en-US')} events`,
    );
    requireEvents(result);
    write('README.md', readmeFile(plan, view, result, places));
    renameSync(work, folder);
    print(plan, ir, result);
    return result;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @throws CliError when what was written would be of no use */
function requireEvents({ events, refused }: Checked): void {
  const [first] = refused.flatMap((one) => one.first);
  if (events > 0 || !first) return;
  const count = refused.reduce((sum, one) => sum + one.count, 0);
  throw new CliError(
    `None of the ${count} rows can be an event: ${first.reason} at ${first.place}: ${first.detail}. Correct the file, or name other columns by --entity and --time.`,
    2,
  );
}

/** The first vectors, with the units of their values. */
function print(plan: Plan, ir: Awaited<ReturnType<typeof loadDefinitions>>['ir'], { vectors }: Checked): void {
  const units = unitsOf(ir.views[0]!, ir.contracts);
  for (const { entity_id, t, events, values } of vectors) {
    console.log(`\n${plan.entity} ${entity_id} at ${new Date(t).toISOString()}, after ${events} events:`);
    const width = Math.max(...Object.keys(values).map((name) => name.length));
    for (const [name, value] of Object.entries(values)) {
      const unit = units[name];
      console.log(`  ${name.padEnd(width)}  ${JSON.stringify(value)}${unit && value !== null ? `  (${unit})` : ''}`);
    }
  }
}

function report(plan: Plan, result: Checked, { usecase }: Places, folder: string): void {
  const bullets = [...assumed(plan), ...refusals(result, plan)];
  const left = plan.leftOut.map(
    ({ column, why }) => `- ${column.label === '' ? '(no name)' : column.label} is left out: ${why}.`,
  );
  console.log(`\n${[...bullets, ...left].join('\n').replaceAll('`', '')}`);
  console.log(`\nWritten: ${shown(folder)}. README.md there says what was seen and what comes next, such as:`);
  console.log(`  npx tidemark local start && npx tidemark deploy --usecase ${usecase}`);
}

const shown = (path: string): string => {
  const near = relative('', path);
  return near.startsWith('..') ? path : near || '.';
};
