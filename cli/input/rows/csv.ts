/** Tables as text: commas, semicolons, tabs or bars between the fields, quotes as RFC 4180 has them; or columns set apart by blanks. */
import { Readable } from 'node:stream';
import { CsvError, type Parser, parse } from 'csv-parse';
import { CliError } from '../../errors.ts';
import { nameOf, textOf } from '../text.ts';
import type { BadRow, Row } from './row.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;
/** Between columns that are lined up by blanks. */
const BLANKS = 'blanks';
type Delimiter = (typeof DELIMITERS)[number] | typeof BLANKS;
/** Longer fields are no field but a quote that nothing closes. */
const MAX_FIELD = 1_048_576;
/** A header that is longer is none. */
const MAX_HEADER = 262_144;
/** core/admission/record.ts */
const FORBIDDEN: readonly string[] = ['__proto__', 'constructor', 'prototype'];
const MARK = '\ufeff';

/**
 * Rows by the names of the header; an empty field is null. Rows with more or fewer fields than the header are bad.
 * @throws CliError that names the file when it has no header, a column twice, or is no text in UTF-8 or UTF-16
 */
export async function* csvRows(path: string): AsyncGenerator<Row | BadRow> {
  const text = decoded(path)[Symbol.asyncIterator]();
  const { start, line } = await firstLine(text);
  const delimiter = delimiterOf(line);
  const whole = async function* () {
    yield start;
    for (let next = await text.next(); !next.done; next = await text.next()) yield next.value;
  };
  const records = delimiter === BLANKS ? aligned(whole()) : separated(path, whole(), delimiter);
  let header: readonly string[] | undefined;
  let number = 0;
  try {
    for await (const { fields, line: at } of records) {
      if (header === undefined) {
        header = checkedHeader(path, fields);
        continue;
      }
      const place = `${path}:${at}`;
      if (fields.length !== header.length)
        yield {
          place,
          reason: 'RAGGED_ROW',
          detail: `has ${fields.length} fields, the header ${header.length}`,
        };
      else
        yield {
          number: ++number,
          place,
          values: Object.fromEntries(header.map((name, i) => [name, fields[i] === '' ? null : fields[i]])),
        };
    }
  } finally {
    await text.return?.(undefined);
  }
}

/** What stands between the fields; null where blanks line them up. */
export async function csvDelimiter(path: string): Promise<(typeof DELIMITERS)[number] | null> {
  const text = decoded(path)[Symbol.asyncIterator]();
  try {
    const delimiter = delimiterOf((await firstLine(text)).line);
    return delimiter === BLANKS ? null : delimiter;
  } finally {
    await text.return?.(undefined);
  }
}

interface Fields {
  readonly fields: readonly string[];
  /** From 1. */
  readonly line: number;
}

async function* separated(path: string, text: AsyncIterable<string>, delimiter: string): AsyncGenerator<Fields> {
  const parser: Parser = Readable.from(text).pipe(
    parse({
      delimiter,
      trim: true,
      info: true,
      relax_column_count: true,
      // 5" is five inches, and nobody writes it twice.
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: MAX_FIELD,
    }),
  );
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>)
      yield { fields: record, line: info.lines };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const from = error.lines === undefined ? '' : ` from line ${error.lines} on`;
    throw new CliError(
      `${nameOf(path)} can't be read as CSV${from}: a quote is never closed; close it, or write it twice where it is part of a text.`,
      2,
    );
  }
}

async function* aligned(text: AsyncIterable<string>): AsyncGenerator<Fields> {
  let rest = '';
  let line = 0;
  const take = (one: string): Fields | undefined => {
    line++;
    const fields = one.trim().split(/[ \t]+/);
    return fields.length === 1 && fields[0] === '' ? undefined : { fields, line };
  };
  for await (const part of text) {
    const lines = (rest + part).split(/\r?\n/);
    rest = lines.pop()!;
    for (const one of lines) {
      const found = take(one);
      if (found) yield found;
    }
  }
  const last = take(rest);
  if (last) yield last;
}

/** @throws CliError for bytes that are no UTF-8, which old spreadsheets write */
async function* decoded(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let bytes = 0;
  try {
    for await (const part of textOf(path)) {
      yield decoder.decode(part, { stream: true });
      bytes += part.length;
    }
    yield decoder.decode();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    throw new CliError(
      `${nameOf(path)} is not UTF-8 somewhere after byte ${bytes}: save it as UTF-8, such as by iconv -f latin1 -t utf-8.`,
      2,
    );
  }
}

/** The first line that is not blank, and what had to be read for it, without a byte order mark. */
async function firstLine(text: AsyncIterator<string>): Promise<{ start: string; line: string }> {
  let start = '';
  for (;;) {
    const { value, done } = await text.next();
    start += done ? '' : value;
    if (start.startsWith(MARK)) start = start.slice(1);
    const line = /^\s*([^\r\n]*\S[^\r\n]*)[\r\n]/.exec(start)?.[1];
    if (line !== undefined || done || start.length > MAX_HEADER) return { start, line: line ?? start.trim() };
  }
}

/** The one that stands most often outside of quotes in the header. */
function delimiterOf(header: string): Delimiter {
  const bare = header.replace(/"(?:[^"]|"")*"/g, '');
  const counts = DELIMITERS.map((one) => [bare.split(one).length, one] as const);
  const [most, delimiter] = counts.reduce((a, b) => (b[0] > a[0] ? b : a));
  if (most > 1) return delimiter;
  return /\S {1,}\S/.test(bare) && bare === header ? BLANKS : ',';
}

function checkedHeader(path: string, names: readonly string[]): readonly string[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new CliError(
      `${nameOf(path)} has the column ${JSON.stringify(twice)} twice: rename one in its first line.`,
      2,
    );
  const forbidden = names.find((name) => FORBIDDEN.includes(name));
  if (forbidden !== undefined)
    throw new CliError(
      `${nameOf(path)} has a column ${forbidden}, a name that no record may hold: rename it in its first line.`,
      2,
    );
  const values = names.filter((name) => name === '' || /^[-+\d.,:/ TZ]+$/.test(name));
  if (values.length * 2 > names.length)
    throw new CliError(
      `${nameOf(path)} has values where the names of its columns should be: write a first line such as customer_id,date,amount.`,
      2,
    );
  if (names.some((name) => name.includes('\0')))
    throw new CliError(`${nameOf(path)} is binary data: give CSV, JSON or Parquet.`, 2);
  return names;
}
