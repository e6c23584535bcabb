/** The one reader of what a user gives: records of JSON in lines, in an array, or written over several lines. */
import { isBlank, type JsonValue, JsonValues } from '../../core/intake/files/json-values.ts';
import { linesOf } from '../../core/intake/files/lines.ts';
import { CliError } from '../errors.ts';
import { nameOf, textOf } from './text.ts';

const [LINE_FEED, CARRIAGE_RETURN, QUOTE] = [0x0a, 0x0d, 0x22];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** What MS-DOS and Windows' `copy a+b` put at the end of a text. */
const CONTROL_Z = 0x1a;
/** Two objects on one line, as Firehose writes them. */
const SIDE_BY_SIDE = ['}{', '} {', '}\t{'];

export interface Line {
  /** The line, from 1; in a file that is not one of lines, the place of the value in it, from 1. */
  readonly number: number;
  /** Where it stands, for people. */
  readonly place: string;
  /** On one line, without its end; else exactly the bytes of the text in UTF-8, valid or not. */
  readonly bytes: Buffer;
}

export interface ReadOptions {
  /** Files without a single JSON object are read, too. @default false: they are refused by their name */
  readonly anything?: boolean;
}

/**
 * The records of a file (`-`: standard input), one at a time; gzip is unpacked and UTF-16 is read, whatever the name is.
 * Blank lines, byte order marks and line ends are left out.
 * @throws CliError that names the file, at the latest at its end, when it can't be read wholly
 */
export async function* readLines(path: string, { anything = false }: ReadOptions = {}): AsyncGenerator<Line> {
  let [lines, objects] = [0, 0];
  for await (const line of recordsOf(path)) {
    lines++;
    if (line.bytes[firstOf(line.bytes)] === OPEN_BRACE) objects++;
    yield line;
  }
  if (lines > 0 && objects === 0 && !anything)
    throw new CliError(
      `${nameOf(path)} has no JSON object in any of its ${lines} lines: give events as JSON, one object per line or all in one array.`,
      2,
    );
}

/**
 * As which format a landed file of these records is read alike.
 * @throws CliError that names the file when its beginning can't be read
 */
export async function jsonFormat(path: string): Promise<'ndjson' | 'json'> {
  const text = textOf(path)[Symbol.asyncIterator]();
  const { layout } = await layoutOf(text);
  await text.return?.();
  if (layout !== 'lines') return 'json';
  let before: number | undefined;
  for await (const { number } of recordsOf(path)) {
    // Several on a line.
    if (number === before) return 'json';
    if (before !== undefined) break;
    before = number;
  }
  return 'ndjson';
}

async function* recordsOf(path: string): AsyncGenerator<Line> {
  const text = textOf(path)[Symbol.asyncIterator]();
  const { layout, start } = await layoutOf(text);
  const rest = async function* () {
    yield start;
    for (let next = await text.next(); !next.done; next = await text.next()) yield next.value as Buffer;
  };
  try {
    if (layout === 'lines') yield* separateLines(path, rest());
    else yield* separateValues(path, rest(), layout === 'array');
  } finally {
    await text.return?.();
  }
}

type Layout = 'lines' | 'array' | 'values';

/**
 * By its first two tokens: `[{` or `[]` is an array; an object whose first line ends before its first key is written over
 * several lines. Everything else has a record a line.
 * @returns also what had to be read to know it, without the mark and an array's bracket
 */
async function layoutOf(text: AsyncIterator<Buffer>): Promise<{ layout: Layout; start: Buffer }> {
  let start: Buffer = Buffer.alloc(0);
  for (let ended = false; ; ) {
    if (start.subarray(0, 3).equals(BYTE_ORDER_MARK)) start = start.subarray(3);
    const first = firstOf(start);
    const second = first + 1 + firstOf(start.subarray(first + 1));
    if (second < start.length) {
      const [a, b] = [start[first]!, start[second]!];
      if (a === OPEN_BRACKET && (b === OPEN_BRACE || b === CLOSE_BRACKET))
        return { layout: 'array', start: start.subarray(first + 1) };
      const apart = a === OPEN_BRACE && (b === QUOTE || b === CLOSE_BRACE);
      return { layout: apart && start.subarray(first, second).includes(LINE_FEED) ? 'values' : 'lines', start };
    }
    if (ended) return { layout: 'lines', start };
    const { value, done } = await text.next();
    if (done) ended = true;
    else start = Buffer.concat([start, value]);
  }
}

/** The place of the first byte that is no blank; the length where all are. */
function firstOf(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length && isBlank(bytes[at]!)) at++;
  return at;
}

async function* separateLines(path: string, text: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  for await (const { place: number, bytes: line } of linesOf(text, Number.POSITIVE_INFINITY))
    for (const bytes of recordsOfLine(line)) yield { number, place: `${path}:${number}`, bytes };
}

/** One line has one record, or none. Only where it is no JSON as it stands can it be several. */
function recordsOfLine(line: Buffer): readonly Buffer[] {
  const whole = trimmed(line);
  if (whole.length === 0) return [];
  const several = whole.includes(CARRIAGE_RETURN) || SIDE_BY_SIDE.some((pair) => whole.includes(pair));
  if (!several || isJson(whole)) return [whole];
  // Line ends of a Mac of old: no text of JSON has this byte inside.
  const lines = splitAt(whole, CARRIAGE_RETURN)
    .map(trimmed)
    .filter((one) => one.length > 0);
  return lines.flatMap((one) => {
    const values = new JsonValues(false);
    const found = [...values.take(one)];
    const last = values.end();
    const all = (last ? [...found, last] : found).map(({ bytes }) => bytes);
    return all.length > 1 && all.every((value) => value[0] === OPEN_BRACE && isJson(value)) ? all : [one];
  });
}

/** Without a mark at its begin (files that were put together have some inside), its line end, and the end of a file of DOS. */
function trimmed(line: Buffer): Buffer {
  let from = 0;
  while (line.subarray(from, from + 3).equals(BYTE_ORDER_MARK)) from += 3;
  let to = line.length;
  while (to > from && line[to - 1] === CARRIAGE_RETURN) to--;
  const bytes = line.subarray(from, to);
  return bytes.every((byte) => isBlank(byte) || byte === CONTROL_Z) ? bytes.subarray(0, 0) : bytes;
}

function splitAt(bytes: Buffer, separator: number): Buffer[] {
  const parts: Buffer[] = [];
  let from = 0;
  for (let end = bytes.indexOf(separator); end >= 0; end = bytes.indexOf(separator, from)) {
    parts.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return [...parts, bytes.subarray(from)];
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

async function* separateValues(path: string, text: AsyncIterable<Buffer>, inArray: boolean): AsyncGenerator<Line> {
  const values = new JsonValues(inArray);
  let number = 0;
  const line = ({ bytes }: JsonValue): Line => ({ number: ++number, place: `${path}, value ${number}`, bytes });
  for await (const part of text) for (const value of values.take(part)) yield line(value);
  if (inArray && !values.closed)
    throw new CliError(`${nameOf(path)} is a JSON array that does not end: give the whole file.`, 2);
  if (values.behind > 0)
    throw new CliError(
      `${nameOf(path)} has ${values.behind} bytes behind the end of its JSON array: give one array, or one object per line.`,
      2,
    );
  if (values.open)
    throw new CliError(`${nameOf(path)} ends inside of its JSON value ${number + 1}: give the whole file.`, 2);
}
