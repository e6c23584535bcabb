/** The elements of a JSON array that is the whole file, or values one after another, on one line or over several; one is held at a time. */
import { isBlank, type JsonValue, JsonValues } from './json-values.ts';
import { LONGEST_ROW } from './lines.ts';
import { badRow, type Row, type RowReader } from './row.ts';

const ARRAY = 0x5b;
/** Bytes of a byte order mark, which no JSON value begins with. */
const MARK = new Set([0xef, 0xbb, 0xbf]);

/** Cuts by brackets and strings alone; whether a value is JSON is the envelope's to say. */
export const jsonRows: RowReader = async function* (chunks) {
  let values: JsonValues | undefined;
  let inArray = false;
  let place = 0;
  for await (const chunk of chunks) {
    let piece = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (values === undefined) {
      const first = piece.findIndex((byte) => !isBlank(byte) && !MARK.has(byte));
      if (first < 0) continue;
      inArray = piece[first] === ARRAY;
      values = new JsonValues(inArray, LONGEST_ROW);
      piece = piece.subarray(inArray ? first + 1 : first);
    }
    for (const value of values.take(piece)) yield rowOf(++place, value);
  }
  if (values === undefined) return;
  const { closed } = values;
  const last = values.end();
  const bad = (found: string): Row =>
    badRow(++place, last?.bytes ?? Buffer.alloc(0), `found ${found}; allowed: one array, or values one after another`);
  // What is left can't be told apart.
  if (inArray && !closed) yield bad('an array that does not end');
  else if (inArray && last) yield bad('more behind the array');
  else if (last) yield rowOf(++place, last);
};

function rowOf(place: number, { bytes, length }: JsonValue): Row {
  if (length <= LONGEST_ROW) return { place, json: bytes };
  const detail = `value ${place}: found ${length} bytes; allowed: up to ${LONGEST_ROW}`;
  return { place, reason: 'OVERSIZE', detail, raw: bytes };
}
