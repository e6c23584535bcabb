/**
 * A row of a file or a table: an object of its columns, a record each. Whoever reads the file makes it (of a CSV texts, an empty
 * field as null) and says in `detail.copy` how many equal rows of the same file came before.
 */
import { typeName } from '../../ir/errors.ts';
import { Rejection } from '../../ir/rejection.ts';
import type { EnvelopeOptions } from '../../ir/source-options.ts';
import { MAX_NUMBER_DIGITS } from '../../values/decimal.ts';
import { canonicalJson, sha256 } from '../../values/hash.ts';
import { trimmed } from '../../values/text.ts';
import { bodyOf, refusedWhole } from '../body.ts';
import type { Envelope } from '../envelope.ts';

const ID_DIGITS = 32;

export const rows: Envelope<EnvelopeOptions<'rows'>> = {
  name: 'rows',
  unpack: (raw, { detail }, { nulls }) =>
    refusedWhole(raw, () => {
      const row = bodyOf(raw);
      if (typeName(row) !== 'object')
        throw new Rejection('NOT_AN_OBJECT', `row: found ${typeName(row)}; allowed: an object of its columns`);
      const body = plain(row, new Set(nulls));
      return { items: [{ body, id: rowId(row, detail?.copy), kind: 'row' }], refused: [], gaps: [] };
    }),
};

/**
 * Of a row that has no id of its own: the same file, sent twice, is one set of events, in whatever order its rows stand.
 * @param row before anything is taken for nothing, so that what is, can be said later
 * @param copy how many equal rows came before in its file; else it is the first
 */
export function rowId(row: unknown, copy: unknown): string {
  const hash = sha256(canonicalJson(row)).slice(0, ID_DIGITS);
  return Number.isSafeInteger(copy) && (copy as number) > 0 ? `${hash}.${copy}` : hash;
}

/**
 * Computed amounts are full of 29.330000000000002. What a binary float adds is given on as text, which a decimal of the contract
 * rounds; a whole number that it can't hold stays what it is, and is refused.
 */
function plain(value: unknown, nulls: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return nulls.has(trimmed(value)) ? null : value;
  if (typeof value === 'number') return isLong(value) ? String(value) : value;
  if (Array.isArray(value)) return value.map((one) => plain(one, nulls));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one, nulls)]));
}

function isLong(value: number): boolean {
  if (Number.isInteger(value)) return false;
  const [digits = ''] = String(value).split('e');
  return digits.replace(/[-.]/g, '').replace(/^0+/, '').length > MAX_NUMBER_DIGITS;
}
