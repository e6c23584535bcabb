/**
 * Debezium's change events, as the connectors write them, with or without their schema, or unwrapped by its transform; and
 * those of Aurora DSQL, which have the same form
 * (https://docs.aws.amazon.com/aurora-dsql/latest/userguide/cdc-record-format.html).
 */
import { Rejection } from '../../ir/rejection.ts';
import { bodyOf, refusedWhole } from '../body.ts';
import type { ChangeBody, Envelope, Item, Unpacked } from '../envelope.ts';
import { changeItem, msOrNull, nameOf, type Row, rowHash, rowText, textOrNull } from './change-item.ts';
import { isObject, objectAt } from './object-body.ts';

const OPERATIONS = new Set(['c', 'u', 'd', 'r']);
/** Stands for a large value that an update left as it was, which the log of PostgreSQL does not repeat. */
const UNAVAILABLE = '__debezium_unavailable_value';
const UNAVAILABLE_BYTES = Buffer.from(UNAVAILABLE).toString('base64');
const NOTHING: Unpacked = { items: [], refused: [], gaps: [] };

export const debezium: Envelope = {
  name: 'debezium',
  unpack: (raw, { detail }) =>
    refusedWhole(raw, () => {
      const value = unwrapped(bodyOf(raw));
      // After a delete Kafka gets a tombstone, so that it may compact the topic: the delete has told all.
      if (value === null) return NOTHING;
      return unpack(objectAt(value, 'value'), keyOf(detail?.key));
    }),
};

function unpack(value: Row, key: Row | null): Unpacked {
  const { op } = value;
  if (op === undefined) return { items: [flatItem(value, key)], refused: [], gaps: [] };
  if (op === 'm') return NOTHING; // a message of an application in the log: no row
  const source = objectAt(value.source, 'source');
  if (op === 't') {
    const name = nameOf({ schema: textOrNull(source.schema), table: tableOf(source) });
    const time = msOrNull(source.ts_ms);
    return {
      ...NOTHING,
      gaps: [{ kind: 'truncate', detail: `${name} was emptied`, ...(time ? { to_ms: time } : {}) }],
    };
  }
  if (typeof op !== 'string' || !OPERATIONS.has(op))
    throw new Rejection('INVALID_ENVELOPE', 'op: found another value; allowed: c, u, d, r, t, m');
  if (typeof value.type === 'string' && value.type !== 'full')
    throw new Rejection('INVALID_ENVELOPE', 'type: found a part of a row; allowed: full, a row in one record');
  return { items: [rowItem(value, op as ChangeBody['op'], source, key)], refused: [], gaps: [] };
}

function rowItem(value: Row, op: ChangeBody['op'], source: Row, key: Row | null): Item {
  const [before, after] = [imageOf(value.before, 'before'), imageOf(value.after, 'after')];
  const position = positionOf(source);
  const body: ChangeBody = {
    ...{ op, schema: textOrNull(source.schema), table: tableOf(source), before, after, key },
    position: op === 'r' ? null : position,
    time_ms: msOrNull(source.ts_ms) ?? msOrNull(value.ts_ms),
  };
  const whose = [source.connector, source.cluster, source.db].filter((part) => typeof part === 'string').join('.');
  const row = after ?? before;
  // A row that is read again as it was is the same fact.
  const id =
    op === 'r' ? row && `r:${rowText(key, row)}:${rowHash(row)}` : position && `${position}:${rowText(key, row)}`;
  return changeItem(body, id === null ? null : `${whose}:${id}`);
}

/** As Debezium's ExtractNewRecordState leaves it: the row, and what was asked for beside it with two underscores. */
function flatItem(value: Row, key: Row | null): Item {
  const table = textOrNull(value.__table);
  if (table === null)
    throw new Rejection(
      'INVALID_ENVELOPE',
      'op: found nothing; allowed: a change event, or a flat one with add.fields table,op,lsn,source.ts_ms',
    );
  const row = clean(Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('__'))));
  const deleted = value.__deleted === true || value.__deleted === 'true' || value.__op === 'd';
  const told = typeof value.__op === 'string' && OPERATIONS.has(value.__op) ? (value.__op as ChangeBody['op']) : 'u';
  const op = deleted ? 'd' : told;
  const position = positionOf({ lsn: value.__lsn, file: value.__file, pos: value.__pos, row: value.__row });
  const schema = textOrNull(value.__schema);
  const body: ChangeBody = {
    ...{ op, schema, table, before: deleted ? row : null, after: deleted ? null : row, key },
    position,
    time_ms: msOrNull(value.__source_ts_ms) ?? msOrNull(value.__ts_ms),
  };
  if (op === 'r') return changeItem(body, `r:${rowText(key, row)}:${rowHash(row)}`);
  return changeItem(body, position === null ? null : `${position}:${rowText(key, row)}`);
}

/** Each database names the place in its log in its own way. */
function positionOf(source: Row): string | null {
  const named = [
    [source.lsn],
    [source.file, source.pos, source.row ?? 0],
    [source.change_lsn, source.event_serial_no ?? 0],
    [source.scn, source.rs_id ?? '', source.ssn ?? 0],
    [source.ts_ms, source.ord],
    [source.txId],
  ];
  const found = named.find((parts) => parts.every((part) => typeof part === 'string' || typeof part === 'number'));
  return found === undefined ? null : found.join(':');
}

/** MongoDB has collections. @throws Rejection where neither is named */
function tableOf(source: Row): string {
  const table = textOrNull(source.table) ?? textOrNull(source.collection);
  if (table !== null) return table;
  throw new Rejection('INVALID_ENVELOPE', 'source.table: found nothing; allowed: the name of a table');
}

/** MongoDB's images are JSON in a text. */
function imageOf(value: unknown, name: string): Row | null {
  if (value === null || value === undefined) return null;
  return clean(objectAt(typeof value === 'string' ? bodyOf(Buffer.from(value)) : value, name));
}

const clean = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([, value]) => !isUnavailable(value)));

/** Columns of text, bytes, arrays, and maps each have it in their own shape. */
function isUnavailable(value: unknown): boolean {
  if (value === UNAVAILABLE || value === UNAVAILABLE_BYTES) return true;
  if (Array.isArray(value)) return value.length === 1 && isUnavailable(value[0]);
  return isObject(value) && Object.keys(value).length === 1 && value[UNAVAILABLE] === UNAVAILABLE;
}

/** `{schema, payload}` around a value or key, where the converter writes schemas. */
function unwrapped(value: unknown): unknown {
  return isObject(value) && isObject(value.schema) && Object.hasOwn(value, 'payload') ? value.payload : value;
}

/** The message's key, where it came by Kafka. */
function keyOf(key: unknown): Row | null {
  const found = unwrapped(key);
  return isObject(found) ? found : null;
}
