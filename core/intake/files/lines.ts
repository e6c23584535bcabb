/** Bytes as they come → lines, of which only one is held at a time. */

/** Longer than any event may be, with room for what a map leaves out. */
export const LONGEST_ROW = 1024 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const BOM = [0xef, 0xbb, 0xbf];

export interface Line {
  /** From 1, blank lines included. */
  readonly place: number;
  /** Without its end. */
  readonly bytes: Buffer;
  /** How long the line is; more than `bytes` has where it is longer than was to be held, and its rest was passed over. */
  readonly length: number;
}

/**
 * Lines that end with LF or CRLF, the last one also with the file; a byte order mark is no part of the first.
 * @param most bytes of a line that are held
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, most = LONGEST_ROW): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let [held, length, place] = [0, 0, 0];
  const keep = (part: Uint8Array): void => {
    const room = part.subarray(0, Math.max(0, most - held));
    // A copy: whoever feeds us may use the buffer again.
    if (room.length > 0) parts.push(Buffer.from(room));
    held += room.length;
    length += part.length;
  };
  const take = (): Line => {
    const bytes = trimmed(parts.length === 1 ? parts[0]! : Buffer.concat(parts), place === 0);
    const line = { place: ++place, bytes, length: length > held ? length : bytes.length };
    parts = [];
    held = length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, end));
      from = end + 1;
      yield take();
    }
    keep(chunk.subarray(from));
  }
  if (length > 0) yield take();
}

function trimmed(line: Buffer, first: boolean): Buffer {
  const from = first && BOM.every((byte, i) => line[i] === byte) ? BOM.length : 0;
  return line.subarray(from, line.at(-1) === RETURN ? line.length - 1 : line.length);
}
