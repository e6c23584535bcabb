/** The elements of a JSON array that is the whole file, one held at a time; a file of one object is that one. */
import { LONGEST_ROW } from './lines.ts';
import { type BadRow, badRow, type Row, type RowReader } from './row.ts';

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
/** JSON's blanks, and the bytes of a byte order mark, which no JSON value begins with. */
const BLANKS = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);

/** Cuts by brackets and strings alone; whether an element is JSON is the envelope's to say. */
export const jsonArrayRows: RowReader = async function* (chunks) {
  const elements = new Elements();
  for await (const chunk of chunks) yield* elements.read(chunk);
  yield* elements.end();
};

class Elements {
  private place = 0;
  /** Brackets that are open, that of the array included. */
  private depth = 0;
  private quoted = false;
  private escaped = false;
  /** What the file is: nothing yet, an array, a value by itself, or over. */
  private phase: 'before' | 'array' | 'value' | 'after' = 'before';
  private parts: Uint8Array[] = [];
  private held = 0;
  private length = 0;
  private begun = false;

  *read(chunk: Uint8Array): Generator<Row> {
    // Where what belongs to the element begins in this chunk; below zero: nowhere.
    let from = this.begun ? 0 : -1;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (this.quoted) {
        if (this.escaped) this.escaped = false;
        else if (byte === BACKSLASH) this.escaped = true;
        else if (byte === QUOTE) this.quoted = false;
        continue;
      }
      if (!this.begun) {
        if (BLANKS.has(byte)) continue;
        if (this.phase === 'before') {
          this.phase = byte === ARRAY ? 'array' : 'value';
          if (byte === ARRAY) {
            this.depth = 1;
            continue;
          }
        }
        // After an element its comma; after the array nothing.
        if (this.phase === 'array' && byte === ARRAY_END && this.depth === 1) {
          this.phase = 'after';
          continue;
        }
        if (this.phase === 'array' && byte === COMMA) continue;
        this.begun = true;
        from = i;
      } else if (this.phase === 'array' && this.depth === 1 && (byte === COMMA || byte === ARRAY_END)) {
        this.keep(chunk.subarray(from, i));
        from = -1;
        yield this.take();
        if (byte === ARRAY_END) this.phase = 'after';
        continue;
      }
      if (byte === QUOTE) this.quoted = true;
      else if (OPEN.has(byte)) this.depth++;
      else if (CLOSE.has(byte)) this.depth--;
    }
    if (from >= 0) this.keep(chunk.subarray(from));
  }

  *end(): Generator<Row> {
    const open = this.phase === 'array';
    if (this.begun) yield open || this.phase === 'after' ? this.unfinished() : this.take();
    else if (open) yield this.unfinished();
  }

  private keep(part: Uint8Array): void {
    const room = part.subarray(0, Math.max(0, LONGEST_ROW - this.held));
    if (room.length > 0) this.parts.push(Buffer.from(room));
    this.held += room.length;
    this.length += part.length;
  }

  private take(): Row {
    const [place, length] = [++this.place, this.length];
    const json = this.bytes();
    if (length <= LONGEST_ROW) return { place, json };
    const detail = `element ${place}: found ${length} bytes; allowed: up to ${LONGEST_ROW}`;
    return { place, reason: 'OVERSIZE', detail, raw: json };
  }

  /** An array that does not end, or more than one value: what is left can't be told apart. */
  private unfinished(): BadRow {
    const found = this.phase === 'after' ? 'more behind the array' : 'an array that does not end';
    return badRow(++this.place, this.bytes(), `found ${found}; allowed: one array, or one object`);
  }

  private bytes(): Uint8Array {
    const bytes = Buffer.concat(this.parts);
    this.parts = [];
    this.held = this.length = 0;
    this.begun = false;
    return bytes;
  }
}
