/**
 * CSV as RFC 4180 has it, with a delimiter of one's own: quotes around values, doubled in them, line ends in quoted values (CRLF
 * is read as LF). A quote amid an unquoted value is a character like any other. Blanks around values and quotes are no part of
 * them, and an empty value is null. Lines end with LF or CRLF, of a file of an old Mac with CR; those of blanks alone are none.
 *
 * Read by hand: where a quote is left open the parsers of the registry take the rest of the file for one record, and here the
 * one line goes to the quarantine and the rest goes on.
 */
import { type Line, LONGEST_ROW, linesOf } from './lines.ts';
import { type BadRow, badRow, type Row, type RowReader, tableRow, textOf, tooLong, under } from './row.ts';

export interface CsvOptions {
  /** One character. */
  readonly delimiter: string;
  /** Names of the columns of a file that has no header. @default - the first line names them */
  readonly columns?: readonly string[];
}

const QUOTE = '"';
const [LF, CR, QUOTE_BYTE] = [0x0a, 0x0d, 0x22];
/** A quoted value of more lines is an open quote. */
const MOST_LINES = 1000;

export const csvRows = ({ delimiter, columns }: CsvOptions): RowReader =>
  async function* (chunks) {
    let names = columns;
    let header: Uint8Array | null = null;
    for await (const record of csvRecords(chunks, delimiter)) {
      if ('reason' in record) yield under(header, record);
      else if (names !== undefined) yield under(header, rowOf(record, names));
      else {
        header = record.raw;
        names = record.values.map((value) => value ?? '');
        const problem = headerProblem(names);
        if (problem === null) continue;
        // No row below could be read; the file is still where it is.
        yield badRow(record.place, record.raw, problem);
        return;
      }
    }
  };

export interface CsvRecord {
  /** Of the line it begins in, from 1. */
  readonly place: number;
  readonly values: readonly (string | null)[];
  readonly raw: Uint8Array;
}

/** @param names of the columns, none twice */
export function rowOf({ place, values, raw }: CsvRecord, names: readonly string[]): Row {
  if (values.length === names.length) return tableRow(place, names, values);
  return badRow(place, raw, `found ${values.length} values; allowed: ${names.length}, a value for each column`);
}

function headerProblem(names: readonly string[]): string | null {
  if (new Set(names).size < names.length) return 'found a header with a name twice; allowed: each name once';
  return null;
}

/** Lines are held as long as a quote is open. Where it can't be closed the first is no record, and the others are read anew. */
export async function* csvRecords(
  chunks: AsyncIterable<Uint8Array>,
  delimiter: string,
): AsyncGenerator<CsvRecord | BadRow> {
  let held: Line[] = [];
  let open = new OpenRecord(delimiter);
  const settle = function* (atEnd: boolean): Generator<CsvRecord | BadRow> {
    const again = held;
    held = [];
    open = new OpenRecord(delimiter);
    yield unclosed(again[0]!);
    for (const line of again.slice(1)) yield* read(line);
    if (atEnd && held.length > 0) yield* settle(true);
  };
  const read = function* (line: Line): Generator<CsvRecord | BadRow> {
    const text = line.length > LONGEST_ROW ? tooLong(line) : textOf(line);
    if (typeof text !== 'string') {
      if (held.length > 0) yield* settle(true);
      yield text;
      return;
    }
    if (held.length === 0 && pastBlanks(text, 0, delimiter) === text.length) return;
    held.push(line);
    const state = open.add(text);
    if (state === 'closed') {
      yield { place: held[0]!.place, values: open.values, raw: joined(held) };
      held = [];
      open = new OpenRecord(delimiter);
    } else if (state === 'wrong' || held.length > MOST_LINES || open.length > LONGEST_ROW) yield* settle(false);
  };
  for await (const line of linesOf(withLineFeeds(chunks))) yield* read(line);
  if (held.length > 0) yield* settle(true);
}

const unclosed = ({ place, bytes }: Line): BadRow =>
  badRow(place, bytes, 'found a quote that is not closed before a delimiter; allowed: quotes around whole values');

function joined(lines: readonly Line[]): Uint8Array {
  if (lines.length === 1) return lines[0]!.bytes;
  return Buffer.concat(lines.flatMap(({ bytes }, i) => (i === 0 ? [bytes] : [Uint8Array.of(LF), bytes])));
}

/** The values of a record, of whose lines more may come. */
class OpenRecord {
  readonly values: (string | null)[] = [];
  /** Characters so far. */
  length = 0;
  private readonly delimiter: string;
  /** What is known of a quoted value that is open. */
  private quoted: string | null = null;

  constructor(delimiter: string) {
    this.delimiter = delimiter;
  }

  add(line: string): 'closed' | 'open' | 'wrong' {
    this.length += line.length + 1;
    let at = 0;
    for (;;) {
      if (this.quoted === null) {
        at = pastBlanks(line, at, this.delimiter);
        if (line[at] !== QUOTE) {
          const end = line.indexOf(this.delimiter, at);
          this.push(line.slice(at, end < 0 ? undefined : end).trimEnd());
          if (end < 0) return 'closed';
          at = end + 1;
          continue;
        }
        this.quoted = '';
        at++;
      }
      const end = line.indexOf(QUOTE, at);
      if (end < 0) {
        this.quoted += `${line.slice(at)}\n`;
        return 'open';
      }
      this.quoted += line.slice(at, end);
      at = end + 1;
      if (line[at] === QUOTE) {
        this.quoted += QUOTE;
        at++;
        continue;
      }
      this.push(this.quoted);
      this.quoted = null;
      at = pastBlanks(line, at, this.delimiter);
      if (at === line.length) return 'closed';
      if (line[at] !== this.delimiter) return 'wrong';
      at++;
    }
  }

  private push(value: string): void {
    this.values.push(value === '' ? null : value);
  }
}

/** A tab is none where it stands between the values. */
function pastBlanks(line: string, from: number, delimiter: string): number {
  let at = from;
  while ((line[at] === ' ' || line[at] === '\t') && line[at] !== delimiter) at++;
  return at;
}

/** The lines of a file end as its first one does, outside of quotes: where that is CR alone, CR becomes LF. */
async function* withLineFeeds(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let alone: boolean | undefined;
  let quoted = false;
  // A CR at the end of what came so far: the next byte says what it is.
  let waiting = false;
  for await (const chunk of chunks) {
    const waited = waiting;
    for (let i = 0; i < chunk.length && alone === undefined; i++) {
      const byte = chunk[i];
      if (waiting) {
        alone = byte !== LF;
        waiting = false;
      } else if (byte === QUOTE_BYTE) quoted = !quoted;
      else if (!quoted && byte === LF) alone = false;
      else if (!quoted && byte === CR) waiting = true;
    }
    if (waited && !waiting) yield Uint8Array.of(alone ? LF : CR);
    if (waiting) yield waited ? chunk : chunk.subarray(0, -1);
    else yield alone ? chunk.map((byte) => (byte === CR ? LF : byte)) : chunk;
  }
  if (waiting) yield Uint8Array.of(LF);
}
