/** What the envelopes of databases share: an item of a change, and the text by which it is told from others. */
import { canonicalJson, sha256 } from '../../values/hash.ts';
import type { ChangeBody, Item } from '../envelope.ts';

export type Row = Readonly<Record<string, unknown>>;

/** @param id without the table; null: the change cannot be told from another of its row */
export function changeItem(body: ChangeBody, id: string | null): Item {
  const table = nameOf(body);
  return { body, id: id === null ? null : `${table}:${id}`, kind: `${table} ${body.op}` };
}

/** `schema.table`, or the table alone where there is no schema. */
export const nameOf = ({ schema, table }: Pick<ChangeBody, 'schema' | 'table'>): string =>
  schema === null ? table : `${schema}.${table}`;

/** Short and the same for the same row, in whatever order its columns come. */
export const rowHash = (row: Row): string => sha256(canonicalJson(row)).slice(0, 32);

/** The values of the key in the order of its columns' names, or a hash of the whole row where the key is not known. */
export function rowText(key: Row | null, row: Row | null): string {
  if (key === null || Object.keys(key).length === 0) return row === null ? '' : rowHash(row);
  const values = Object.keys(key)
    .sort()
    .map((column) => key[column]);
  return values.map((value) => (typeof value === 'string' ? value : canonicalJson(value))).join(',');
}

export const textOrNull = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** ms UTC of a whole number of ms, else null. */
export const msOrNull = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null);
