/** Which columns say whom a row is about, when it happened, and which row it is: guessed, said by options, or asked. */
import { createInterface, type Interface } from 'node:readline/promises';
import { DefinitionError } from '../../../core/ir/errors.ts';
import { timeZoneOf } from '../../../core/values/time-zone.ts';
import { CliError } from '../../errors.ts';
import type { Column } from './profile/column.ts';
import { namesEntity, namesId, namesTime } from './profile/meaning.ts';
import type { Profile } from './profile/profile.ts';
import type { Spelling } from './profile/times.ts';

export const DATE_ORDERS = ['day-first', 'month-first'] as const;

export interface RoleOptions {
  readonly entity?: string;
  readonly time?: string;
  readonly id?: string;
  readonly timeZone?: string;
  readonly dates?: (typeof DATE_ORDERS)[number];
}

export interface Roles {
  readonly entity: Column;
  readonly time: Column;
  readonly spelling: Spelling & { readonly first: number; readonly last: number; readonly hits: number };
  /** Joined they tell a row from every other; empty: a row has the id of its content. */
  readonly id: readonly Column[];
  /** Where times without a zone are at home; null: all have one. */
  readonly zone: string | null;
  /** Which of them nobody said. */
  readonly guessed: readonly string[];
}

/** Asks on a terminal; null where there is none. */
export type Ask = ((question: string, fallback: string) => Promise<string>) | null;

/** @returns also what closes it */
export function asking(): { readonly ask: Ask; close(): void } {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return { ask: null, close: () => {} };
  const lines: Interface = createInterface({ input: process.stdin, output: process.stderr });
  const ask = async (question: string, fallback: string) =>
    (await lines.question(`${question}${fallback === '' ? '' : ` [${fallback}]`}: `)).trim() || fallback;
  return { ask, close: () => lines.close() };
}

/** @throws CliError that names the option to give, with the columns that may be meant */
export async function rolesOf(profile: Profile, options: RoleOptions, eventType: string, ask: Ask): Promise<Roles> {
  const guessed: string[] = [];
  const time = await chosen(profile, 'time', options.time, timesOf(profile), 'When did it happen', ask, guessed);
  const entities = entitiesOf(profile, time);
  const entity = await chosen(profile, 'entity', options.entity, entities, 'Whom is a row about', ask, guessed);
  const spelling = await spellingOf(time, options.dates, ask);
  const zone = spelling.local ? await zoneOf(time, options.timeZone, ask) : (options.timeZone ?? null);
  if (zone !== null) checkZone(zone);
  return {
    entity,
    time,
    spelling,
    zone,
    id: await idOf(profile, options.id, eventType, [time, entity], ask, guessed),
    guessed,
  };
}

function named(profile: Profile, name: string, option: string): Column {
  const wanted = name.startsWith('/') ? (one: Column) => one.pointer === name : (one: Column) => one.label === name;
  const found =
    profile.columns.find(wanted) ?? profile.columns.find(({ label }) => label.toLowerCase() === name.toLowerCase());
  if (found && found.values > 0) return found;
  const why = found ? 'a column without values' : 'no column of this name';
  throw new CliError(`--${option}: found ${why}; allowed: ${listed(profile.columns)}.`, 2);
}

const listed = (columns: readonly Column[]) =>
  columns
    .filter(({ values }) => values > 0)
    .slice(0, 30)
    .map(({ label }) => label)
    .join(', ');

async function chosen(
  profile: Profile,
  option: 'entity' | 'time',
  said: string | undefined,
  candidates: readonly Column[],
  question: string,
  ask: Ask,
  guessed: string[],
): Promise<Column> {
  if (said !== undefined) return named(profile, said, option);
  const [best] = candidates;
  if (ask) {
    const others = candidates.length > 1 ? ` (or ${listed(candidates.slice(1, 6))})` : '';
    const answer = await ask(`${question}? Name the column${others}`, best?.label ?? '');
    return named(profile, answer, option);
  }
  if (!best) {
    const what = option === 'entity' ? 'whom a row is about' : 'when something happened';
    throw new CliError(
      `No column looks like ${what}: name it by --${option} <column>; there are ${listed(profile.columns)}.`,
      2,
    );
  }
  guessed.push(option);
  return best;
}

function timesOf({ columns }: Profile): Column[] {
  const score = (column: Column) => {
    const [best] = column.times.found;
    if (!best) return -1;
    const plain = column.types.number > 0 || best.format.startsWith('epoch') || best.format === 'yyyyMMdd';
    // A number is a time only if it is called one.
    return plain && namesTime(column) < 4 ? -1 : namesTime(column) + (plain ? 0 : 2);
  };
  return byScore(columns, score);
}

function entitiesOf({ columns, rows }: Profile, time: Column): Column[] {
  return byScore(columns, (column) => {
    const { types, distinct } = column;
    if (column === time || types.boolean + types.array + types.object > 0 || column.inexact > 0) return -1;
    const names = namesEntity(column);
    if (names === 0) return -1;
    // Whoever has one row only has no past to speak of.
    const repeats = distinct > 1 && distinct * 1.05 < rows ? 2 : -1;
    return names + repeats + (column.values * 10 >= rows * 9 ? 0 : -4);
  });
}

const byScore = (columns: readonly Column[], score: (column: Column) => number): Column[] =>
  columns
    .filter(({ values }) => values > 0)
    .map((column) => ({ column, score: score(column) }))
    .filter((one) => one.score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ column }) => column);

async function spellingOf(time: Column, said: RoleOptions['dates'], ask: Ask): Promise<Roles['spelling']> {
  const { found } = time.times;
  const [best] = found;
  if (!best)
    throw new CliError(
      `${time.label} has no times that are spelled alike: write them as 2026-03-04T09:30:00Z, or name another column by --time.`,
      2,
    );
  const dayFirst = found.find(({ format }) => /^dd[/-]MM/.test(format));
  const monthFirst = found.find(({ format }) => /^MM[/-]dd/.test(format));
  if (!dayFirst || !monthFirst) {
    return best;
  }
  const answer =
    said ??
    (ask
      ? await ask(`In ${time.label}, is 03/04/2026 the 3rd of April (day-first) or March the 4th (month-first)`, '')
      : '');
  if (answer === 'day-first') return dayFirst;
  if (answer === 'month-first') return monthFirst;
  throw new CliError(
    `${time.label} has dates such as 03/04/2026, which may be April or March: say --dates day-first or --dates month-first.`,
    2,
  );
}

async function zoneOf(time: Column, said: string | undefined, ask: Ask): Promise<string> {
  const zone =
    said ??
    (ask ? await ask(`${time.label} has no time zone. Where is its clock at home (Europe/London, UTC, …)`, '') : '');
  if (zone !== '') return zone;
  throw new CliError(
    `${time.label} has times without a zone: say where their clock is at home, such as --time-zone Europe/London or --time-zone UTC.`,
    2,
  );
}

function checkZone(zone: string): void {
  try {
    timeZoneOf(zone, '--time-zone');
  } catch (error) {
    if (error instanceof DefinitionError) throw new CliError(error.message, 2);
    throw error;
  }
}

/** What options call a row that has no id of its own. */
export const BY_CONTENT = 'none';

async function idOf(
  profile: Profile,
  said: string | undefined,
  eventType: string,
  others: readonly Column[],
  ask: Ask,
  guessed: string[],
): Promise<readonly Column[]> {
  const candidates = byScore(profile.columns, (column) =>
    column.unique && column.values === profile.rows && !others.includes(column) ? namesId(column, eventType) : 0,
  );
  const best = candidates[0]?.label ?? BY_CONTENT;
  const answer =
    said ??
    (ask
      ? await ask(`Which column is the id of a row, or several with commas (${BY_CONTENT}: its content)`, best)
      : best);
  if (said === undefined && !ask) guessed.push('id');
  if (answer === BY_CONTENT) return [];
  return answer.split(',').map((name) => named(profile, name.trim(), 'id'));
}
