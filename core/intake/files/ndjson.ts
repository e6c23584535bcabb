/** A JSON value a line. Whether it is one is the envelope's to say, of each line by itself. */
import { LONGEST_ROW, linesOf } from './lines.ts';
import { type RowReader, tooLong } from './row.ts';

const BLANKS = new Set([0x20, 0x09]);

export const ndjsonRows: RowReader = async function* (chunks) {
  for await (const line of linesOf(chunks)) {
    if (line.length > LONGEST_ROW) yield tooLong(line);
    else if (!line.bytes.every((byte) => BLANKS.has(byte))) yield { place: line.place, json: line.bytes };
  }
};
