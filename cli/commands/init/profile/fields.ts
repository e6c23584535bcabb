/** Of each column the field of the contract that admits all of its values, or why it has none. */

import { SUMMED } from '../../../../core/aggregates/aggregation.ts';
import { MAX_EXACT } from '../../../../core/values/decimal.ts';
import { nameOf } from '../names.ts';
import type { Column } from './column.ts';
import { isAmount, isCode, isLevel, isPersonal, namesTime } from './meaning.ts';

/** How a field is used: what is added up, what is measured, what tells things apart. */
type Use = 'amount' | 'level' | 'category' | 'flag' | 'code' | 'none';

export interface PlannedField {
  readonly column: Column;
  readonly name: string;
  readonly type: 'int' | 'decimal' | 'enum' | 'string' | 'bool' | 'timestamp';
  /** Of a decimal. */
  readonly scale: number;
  /** Of an int, and of a decimal in its smallest units. */
  readonly min?: number;
  readonly max?: number;
  /** Of an enum. */
  readonly values?: readonly string[];
  readonly maxLength?: number;
  /** Of a timestamp. */
  readonly format?: 'iso8601' | 'epoch_s' | 'epoch_ms';
  readonly required: boolean;
  readonly use: Use;
  /** Sentences for the README. */
  readonly notes: readonly string[];
}

export interface LeftOut {
  readonly column: Column;
  readonly why: string;
  readonly personal: boolean;
}

/** What decides beside the column itself. */
export interface Surroundings {
  readonly rows: number;
  /** Texts that stand for nothing in this file. */
  readonly nulls: ReadonlySet<string>;
  /** Whether local times have a zone. */
  readonly zoned: boolean;
}

type Field = Omit<PlannedField, 'column' | 'name' | 'required'>;

const MAX_TEXT = 4096;
const MOST_CATEGORIES = 20;
/** Fewer rows a value tell nothing of what else there may be. */
const ROWS_A_CATEGORY = 10;
const MAX_SCALE = 9;
/** Texts of exporters that are never meant as a value. */
const ALWAYS_NOTHING = /^(?:null|n\/a|#n\/a|nan|\\n)$/i;

/** What `nulls` of the source has to hold: what columns of numbers and times have instead, and what is never a value. */
export function nullsOf(columns: readonly Column[]): Set<string> {
  const found = new Set<string>();
  for (const column of columns) {
    const typed = column.values > 0 && (column.numeric === column.values || column.times.found.length > 0);
    for (const text of column.nothings.keys()) if (typed || ALWAYS_NOTHING.test(text)) found.add(text);
  }
  return found;
}

/** @param taken names of fields, of which each is taken once */
export function fieldOf(column: Column, around: Surroundings, taken: Set<string>): PlannedField | LeftOut {
  const leftOut = (why: string, personal = false): LeftOut => ({ column, why, personal });
  const texts = [...column.nothings].filter(([text]) => !around.nulls.has(text));
  const wordy = texts.reduce((sum, [, count]) => sum + count, 0);
  const values = column.values + wordy;
  if (values === 0) return leftOut('it has no value in any row');
  if (isPersonal(column)) return leftOut('it looks personal', true);
  if (column.types.array > 0) return leftOut('it holds lists: give each member a row of its own, or a column');
  if (column.types.object > 0) return leftOut('it holds objects in some rows and single values in others');
  if (column.illFormed > 0) return leftOut('it holds texts that are cut inside of a character');
  if (column.inexact > 0 && column.numeric === column.values && column.max > MAX_EXACT)
    return leftOut('it holds JSON numbers beyond 2^53, of which digits are lost: write them as texts');
  const found = typed(
    column,
    around,
    values,
    texts.map(([text]) => text),
  );
  if (typeof found === 'string') return leftOut(found);
  const name = nameOf(column.label, 'column', taken);
  taken.add(name);
  return { column, name, required: values === around.rows, ...found };
}

/** @returns why not, where no field admits all values */
function typed(column: Column, around: Surroundings, values: number, words: readonly string[]): Field | string {
  const { types } = column;
  if (types.boolean === values) return { type: 'bool', scale: 0, use: 'flag', notes: [] };
  if (types.boolean > 0) return 'it holds true or false in some rows and other values in others';
  if (words.length === 0) {
    const special = timestamp(column, around) ?? flag(column);
    if (special) return special;
    if (column.numeric === column.values && !(types.number === 0 && isCode(column))) {
      const number = numberOf(column);
      if (number) return number;
      if (types.number > 0) return 'it holds numbers that are too large to be kept exactly';
    }
  }
  if (types.number > 0) return 'it holds numbers in some rows and texts in others';
  return textOf(column, values, words);
}

const FLAGS = /^(?:true|false|t|f|yes|no|y|n)$/;

function flag(column: Column): Field | null {
  const { kept, types } = column;
  if (kept === null) return null;
  const words = [...new Set([...kept.keys()].map((word) => word.toLowerCase()))];
  if (words.length !== 2) return null;
  const bits = words.every((word) => /^[01]$/.test(word)) && !isAmount(column) && column.values >= 2 * ROWS_A_CATEGORY;
  if (!bits && !(types.number === 0 && words.every((word) => FLAGS.test(word)))) return null;
  const pairs = ['true false', 't f', 'yes no', 'y n', '0 1'].map((pair) => pair.split(' '));
  if (!pairs.some((pair) => words.every((word) => pair.includes(word)))) return null;
  const notes = bits ? ['0 and 1 alone are false and true: make it `field.int` if it counts something.'] : [];
  return { type: 'bool', scale: 0, use: 'flag', notes };
}

function timestamp(column: Column, { zoned }: Surroundings): Field | null {
  const { times, values } = column;
  const [best] = times.found;
  if (!best || best.hits < values) return null;
  const { local } = best;
  const format = best.format as NonNullable<PlannedField['format']>;
  const isEpoch = format === 'epoch_s' || format === 'epoch_ms';
  if (isEpoch && namesTime(column) < 4) return null;
  if (format !== 'iso8601' && !isEpoch) return null;
  if (local && !zoned) return null;
  return { type: 'timestamp', scale: 0, format, use: 'none', notes: [] };
}

/** Null where a number of this size can't be kept exactly. */
function numberOf(column: Column): Field | null {
  const { min, max, whole, numeric, values } = column;
  if (numeric !== values) return null;
  const isWhole = whole === numeric;
  const scale = isWhole ? 0 : Math.min(column.scale, MAX_SCALE);
  const unit = 10 ** scale;
  const most = Math.max(Math.abs(min), Math.abs(max)) * unit;
  if (most > MAX_EXACT / 2) return null;
  const notes =
    column.scale > MAX_SCALE || column.inexact > 0 ? [`It is rounded to ${scale} places, half to even.`] : [];
  const bounds = { min: min < 0 ? -headroom(-min * unit) : 0, max: headroom(Math.max(0, max) * unit) };
  const code = column.types.number > 0 && isCode(column);
  const summed = Math.max(-bounds.min, bounds.max) <= SUMMED.within!;
  if (!summed) notes.push('It is too large to be added up exactly.');
  const use: Use = code ? 'code' : !summed ? 'none' : isLevel(column) ? 'level' : 'amount';
  return { type: isWhole ? 'int' : 'decimal', scale, ...bounds, use, notes };
}

/** Ten times as far as was seen, by a power of ten; less where only that keeps sums exact. */
function headroom(units: number): number {
  const wide = 10 ** (Math.ceil(Math.log10(Math.max(1, Math.ceil(units)) + 1)) + 1);
  const summed = 8_000_000_000;
  if (wide > summed && units <= summed) return summed;
  return Math.min(wide, MAX_EXACT);
}

function textOf(column: Column, values: number, words: readonly string[]): Field | string {
  const longest = Math.max(column.longest, ...words.map((word) => [...word].length), 1);
  if (longest > MAX_TEXT) return `it holds texts of up to ${longest} characters; ${MAX_TEXT} are the most`;
  const notes = textNotes(column);
  const different = column.kept === null ? null : [...new Set([...column.kept.keys(), ...words])].sort();
  const isClosed =
    different !== null && different.length <= MOST_CATEGORIES && values >= ROWS_A_CATEGORY * different.length;
  if (isClosed && !isCode(column) && !different.includes('') && column.times.found.length === 0) {
    notes.push('A value that is not in the list is refused: make it `field.string()` if others may come.');
    return { type: 'enum', scale: 0, values: different, use: 'category', notes };
  }
  const maxLength = Math.min(MAX_TEXT, 2 ** Math.ceil(Math.log2(Math.max(16, 2 * longest))));
  const use: Use = isCode(column) ? 'code' : column.times.found.length > 0 ? 'none' : 'category';
  return { type: 'string', scale: 0, maxLength, use, notes };
}

function textNotes(column: Column): string[] {
  const { numeric, texts, separated, firstText, times, values } = column;
  const notes: string[] = [];
  if (numeric === values && !isCode(column))
    notes.push('Its numbers are too large to be kept exactly: they stay texts.');
  if (separated > 0 && separated + numeric === values)
    notes.push(
      'Its numbers have separators of thousands, a comma for the point, or a currency (as in 1,234.50): they stay texts, so nothing adds them up; write them as 1234.50.',
    );
  else if (numeric > 0 && texts > 0 && texts * 2 < values)
    notes.push(
      `${texts} of its ${values} values are no numbers, the first at ${firstText}: it stays a text, so nothing adds it up; correct them.`,
    );
  const [best] = times.found;
  if (best)
    notes.push(`Its times (${best.format}) stay texts: a contract reads ISO 8601 and seconds or ms since 1970.`);
  return notes;
}
