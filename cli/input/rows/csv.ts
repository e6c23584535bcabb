/** Tables as text, by the reader that landed files have, whatever stands between the fields; or columns set apart by blanks. */
import { FORBIDDEN_KEYS } from '../../../core/admission/record.ts';
import { type CsvRecord, csvRecords, rowOf } from '../../../core/intake/files/csv.ts';
import { linesOf } from '../../../core/intake/files/lines.ts';
import { type BadRow as BadRecord, isBad, textOf as lineText } from '../../../core/intake/files/row.ts';
import { CliError } from '../../errors.ts';
import { nameOf, textOf } from '../text.ts';
import type { BadRow, Row } from './row.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;
type Delimiter = (typeof DELIMITERS)[number];
/** A header that is longer is none. */
const MAX_HEADER = 262_144;

/**
 * Rows by the names of the header; an empty field is null. Rows with more or fewer fields than the header, or with a quote that is
 * not closed, are bad.
 * @throws CliError that names the file when it has no header, a column twice, or is no text in UTF-8 or UTF-16
 */
export async function* csvRows(path: string): AsyncGenerator<Row | BadRow> {
  const delimiter = await csvDelimiter(path);
  const records = delimiter === null ? aligned(textOf(path)) : csvRecords(textOf(path), delimiter);
  let header: readonly string[] | undefined;
  let number = 0;
  for await (const record of records) {
    if ('reason' in record) {
      if (header === undefined || record.reason === 'INVALID_UTF8') throw unreadable(path, record);
      yield badRow(path, record);
    } else if (header === undefined) header = checkedHeader(path, record.values);
    else {
      const row = rowOf(record, header);
      if (isBad(row)) yield badRow(path, row);
      else
        yield {
          number: ++number,
          place: `${path}:${row.place}`,
          values: JSON.parse(Buffer.from(row.json).toString()),
          json: row.json,
        };
    }
  }
}

const badRow = (path: string, { place, reason, detail }: BadRecord): BadRow => ({
  place: `${path}:${place}`,
  reason,
  detail: detail.replace(/^line \d+: /, ''),
});

/** A file of another encoding, as old spreadsheets write it, or one that has no header. */
function unreadable(path: string, { place, reason, detail }: BadRecord): CliError {
  if (reason !== 'INVALID_UTF8') return new CliError(`${nameOf(path)} has no header that can be read: ${detail}.`, 2);
  return new CliError(
    `${nameOf(path)} is not UTF-8 in line ${place}: save it as UTF-8, such as by iconv -f latin1 -t utf-8.`,
    2,
  );
}

/** What stands between the fields: the one that the header has most often outside of quotes. Null where blanks line them up. */
export async function csvDelimiter(path: string): Promise<Delimiter | null> {
  const header = await firstLine(path);
  const bare = header.replace(/"(?:[^"]|"")*"/g, '');
  const counts = DELIMITERS.map((one) => [bare.split(one).length, one] as const);
  const [most, delimiter] = counts.reduce((a, b) => (b[0] > a[0] ? b : a));
  if (most > 1) return delimiter;
  return /\S {1,}\S/.test(bare) && bare === header ? null : ',';
}

/** The first line that is not blank; what is no text there has a name when it is read. */
async function firstLine(path: string): Promise<string> {
  let start = Buffer.alloc(0);
  for await (const part of textOf(path)) {
    start = Buffer.concat([start, part]);
    const line = /^\ufeff?\s*([^\r\n]*\S[^\r\n]*)[\r\n]/.exec(start.toString())?.[1];
    if (line !== undefined) return line;
    if (start.length > MAX_HEADER) break;
  }
  return start
    .toString()
    .replace(/^\ufeff/, '')
    .trim();
}

async function* aligned(text: AsyncIterable<Uint8Array>): AsyncGenerator<CsvRecord | BadRecord> {
  for await (const line of linesOf(text)) {
    const read = lineText(line);
    if (typeof read !== 'string') yield read;
    else if (read.trim() !== '') yield { place: line.place, values: read.trim().split(/[ \t]+/), raw: line.bytes };
  }
}

function checkedHeader(path: string, values: readonly (string | null)[]): readonly string[] {
  const names = values.map((value) => value ?? '');
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new CliError(
      `${nameOf(path)} has the column ${JSON.stringify(twice)} twice: rename one in its first line.`,
      2,
    );
  const forbidden = names.find((name) => FORBIDDEN_KEYS.has(name));
  if (forbidden !== undefined)
    throw new CliError(
      `${nameOf(path)} has a column ${forbidden}, a name that no record may hold: rename it in its first line.`,
      2,
    );
  const unnamed = names.filter((name) => name === '' || /^[-+\d.,:/ TZ]+$/.test(name));
  if (unnamed.length * 2 > names.length)
    throw new CliError(
      `${nameOf(path)} has values where the names of its columns should be: write a first line such as customer_id,date,amount.`,
      2,
    );
  if (names.some((name) => name.includes('\0')))
    throw new CliError(`${nameOf(path)} is binary data: give CSV, JSON or Parquet.`, 2);
  return names;
}
