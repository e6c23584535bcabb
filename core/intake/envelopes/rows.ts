/**
 * Rows of files: the row is the body, and its id that of its place in the file's content. Whatever reads the file writes the id
 * on a line before the row, so that a row that is refused can be read again without its file.
 */
import { typeName } from '../../ir/errors.ts';
import { Rejection } from '../../ir/rejection.ts';
import { bodyOf, refusedWhole } from '../body.ts';
import type { Envelope } from '../envelope.ts';

const ID = /^[0-9a-f]{32}:[1-9]\d{0,9}\n/;
const LONGEST_ID = 44;

/**
 * @param content of the file, 32 hexadecimal digits of a hash. @param place of the row, from 1
 * @param json the row as it was written
 */
export const rowRecord = (content: string, place: number, json: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`${content}:${place}\n`, 'latin1'), json]);

export const rows: Envelope = {
  name: 'rows',
  unpack: (raw) =>
    refusedWhole(raw, () => {
      const head = Buffer.from(raw.subarray(0, LONGEST_ID)).toString('latin1');
      const id = ID.exec(head)?.[0] ?? '';
      const body = bodyOf(raw.subarray(id.length));
      if (typeName(body) !== 'object')
        throw new Rejection('NOT_AN_OBJECT', `row: found ${typeName(body)}; allowed: an object`);
      return { items: [{ body, id: id === '' ? null : id.trimEnd(), kind: 'row' }], refused: [], gaps: [] };
    }),
};
