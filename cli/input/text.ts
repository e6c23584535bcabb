/** A file's text as UTF-8, whatever it was packed and encoded with. Its content decides: names lie. */
import { createReadStream } from 'node:fs';
import { PassThrough, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CliError } from '../errors.ts';

/** Standard input's name on the command line. */
export const STDIN = '-';
export const nameOf = (path: string) => (path === STDIN ? 'Standard input' : path);

type Bytes = AsyncIterable<Buffer>;

/** Enough to tell every format below. */
const HEAD_BYTES = 12;
const GZIP = [0x1f, 0x8b];
/** What is no text, by its first bytes, and what to do about it. */
const FOREIGN: readonly (readonly [string, readonly number[]])[] = [
  ['a zip archive (an Excel workbook is one, too)', [0x50, 0x4b, 0x03, 0x04]],
  ['bzip2 data', [0x42, 0x5a, 0x68]],
  ['xz data', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['Zstandard data', [0x28, 0xb5, 0x2f, 0xfd]],
  ['LZ4 data', [0x04, 0x22, 0x4d, 0x18]],
  ['framed Snappy data', [0xff, 0x06, 0x00, 0x00, 0x73, 0x4e]],
  ['an old Excel workbook', [0xd0, 0xcf, 0x11, 0xe0]],
  ['a Parquet file', [0x50, 0x41, 0x52, 0x31]],
  ['an Avro file', [0x4f, 0x62, 0x6a, 0x01]],
  ['an ORC file', [0x4f, 0x52, 0x43]],
  ['UTF-32 text', [0xff, 0xfe, 0x00, 0x00]],
  ['UTF-32 text', [0x00, 0x00, 0xfe, 0xff]],
];

/** @throws CliError that names the file, for whatever can't be read wholly */
export async function* textOf(path: string): Bytes {
  const source = path === STDIN ? process.stdin : createReadStream(path);
  try {
    yield* asUtf8(path, unpacked(path, source as Bytes));
  } finally {
    if (path !== STDIN) source.destroy();
  }
}

/** Whether its text is UTF-8 as it is stored, packed by gzip or not. */
export async function isUtf8(path: string): Promise<boolean> {
  const source = createReadStream(path);
  try {
    const { head } = await peeked(unpacked(path, source as Bytes));
    return encodingOf(head) === 'utf-8';
  } finally {
    source.destroy();
  }
}

function refusal(path: string, what: string): CliError {
  return new CliError(`${nameOf(path)} ${what}.`, 2);
}

const startsWith = (head: Buffer, bytes: readonly number[]) => bytes.every((byte, i) => head[i] === byte);

/** The first bytes, and the whole again. */
async function peeked(source: Bytes): Promise<{ head: Buffer; whole: Bytes }> {
  const parts = source[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < HEAD_BYTES) {
    const { value, done } = await parts.next();
    if (done) break;
    head = head.length === 0 ? (value as Buffer) : Buffer.concat([head, value as Buffer]);
  }
  const whole = (async function* () {
    if (head.length > 0) yield head;
    for (let next = await parts.next(); !next.done; next = await parts.next()) yield next.value as Buffer;
  })();
  return { head, whole };
}

async function* unpacked(path: string, source: Bytes): Bytes {
  const { head, whole } = await peeked(source);
  if (startsWith(head, GZIP)) yield* gunzipped(path, whole);
  else if (head.length === 0 && /\.gz$/i.test(path))
    throw refusal(path, 'is empty, where even packed nothing has a header: give the whole file');
  else yield* whole;
}

/** All members. What follows them may be padding (zeros), as block devices write it, and nothing else. */
async function* gunzipped(path: string, packed: Bytes): Bytes {
  const gunzip = createGunzip();
  let [read, lastData] = [0, 0];
  const counted = async function* () {
    for await (const part of packed) {
      let end = part.length;
      while (end > 0 && part[end - 1] === 0) end--;
      if (end > 0) lastData = read + end;
      read += part.length;
      yield part;
    }
  };
  const out = new PassThrough();
  pipeline(Readable.from(counted(), { objectMode: false }), gunzip, out, () => {});
  try {
    const { head, whole } = await peeked(out as Bytes);
    if (startsWith(head, GZIP)) throw refusal(path, 'is packed by gzip twice: unpack it once');
    yield* whole;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'Z_BUF_ERROR') throw refusal(path, 'is gzip data that ends early: give the whole file');
    if (!code?.startsWith('Z_')) throw error;
    const where = 'is damaged, or has bytes behind its end';
    throw refusal(path, `is gzip data that ${where} (${(error as Error).message}): give it as it was packed`);
  } finally {
    gunzip.destroy();
  }
  if (lastData > gunzip.bytesWritten)
    throw refusal(
      path,
      `is gzip data with ${lastData - gunzip.bytesWritten} bytes behind its end: give it as it was packed`,
    );
}

/** By the byte order mark; without one, UTF-16 is known by the zeros beside its first characters, as in RFC 4627 section 3. */
function encodingOf(head: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (startsWith(head, [0xff, 0xfe])) return 'utf-16le';
  if (startsWith(head, [0xfe, 0xff])) return 'utf-16be';
  const [a, b, c, d] = head;
  if (head.length >= 4 && a && !b && c && !d) return 'utf-16le';
  if (head.length >= 4 && !a && b && !c && d) return 'utf-16be';
  return 'utf-8';
}

/** UTF-8 is given on as it is, valid or not: which line is none decides its contract. */
async function* asUtf8(path: string, source: Bytes): Bytes {
  const { head, whole } = await peeked(source);
  const foreign = FOREIGN.find(([, magic]) => startsWith(head, magic));
  if (foreign) throw refusal(path, `is ${foreign[0]}: give JSON as text in UTF-8 or UTF-16, plain or packed by gzip`);
  const encoding = encodingOf(head);
  if (encoding === 'utf-8') {
    yield* whole;
    return;
  }
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    for await (const part of whole) yield Buffer.from(decoder.decode(part, { stream: true }));
    yield Buffer.from(decoder.decode());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    throw refusal(
      path,
      `is ${encoding.toUpperCase()} text with characters that are cut or alone: write it anew as UTF-8`,
    );
  }
}
