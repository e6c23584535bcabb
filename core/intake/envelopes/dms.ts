/**
 * What AWS DMS puts into a Kinesis stream: data records, and control records that tell of tables and of the task
 * (https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.Kinesis.html).
 */
import { Rejection } from '../../ir/rejection.ts';
import { bodyOf, refusedWhole } from '../body.ts';
import type { ChangeBody, Envelope, Gap, Unpacked } from '../envelope.ts';
import { changeItem, nameOf, type Row, rowHash, textOrNull } from './change-item.ts';
import { objectAt, textAt } from './object-body.ts';

const OPERATIONS: Readonly<Record<string, ChangeBody['op']>> = { load: 'r', insert: 'c', update: 'u', delete: 'd' };
/** DMS writes what it could not apply into this table of its own. */
const EXCEPTIONS = 'awsdms_apply_exceptions';
/** A task that loads its tables anew tells so by these: what changed between the two loads is not in the stream. */
const RESTARTS = new Set(['drop-table', 'truncate-table']);
const ZONED = /(Z|[+-]\d\d:?\d\d)$/;

export const dms: Envelope = {
  name: 'dms',
  unpack: (raw) => refusedWhole(raw, () => unpack(objectAt(bodyOf(raw), 'record'))),
};

function unpack(record: Row): Unpacked {
  const metadata = objectAt(record.metadata, 'metadata');
  const kind = textAt(metadata['record-type'], 'metadata.record-type');
  if (kind === 'control') return { items: [], refused: [], gaps: gapsOf(metadata) };
  if (kind !== 'data')
    throw new Rejection('INVALID_ENVELOPE', 'metadata.record-type: found another text; allowed: data, control');
  const table = textAt(metadata['table-name'], 'metadata.table-name');
  if (table === EXCEPTIONS) return { items: [], refused: [], gaps: [notApplied(record)] };
  return { items: [dataItem(record, metadata, table)], refused: [], gaps: [] };
}

function dataItem(record: Row, metadata: Row, table: string) {
  const operation = textAt(metadata.operation, 'metadata.operation');
  const op = Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined;
  if (op === undefined) {
    const allowed = Object.keys(OPERATIONS).join(', ');
    throw new Rejection('INVALID_ENVELOPE', `metadata.operation: found another text; allowed: ${allowed}`);
  }
  const data = objectAt(record.data, 'data');
  const image = record['before-image'];
  const before = image === undefined || image === null ? null : objectAt(image, 'before-image');
  const position = positionOf(metadata);
  // Of a deleted row DMS keeps the columns of the key and makes all others null.
  const key = op === 'd' ? withoutNulls(data) : null;
  const body: ChangeBody = {
    op,
    schema: textOrNull(metadata['schema-name']),
    table,
    before: op === 'd' ? { ...key, ...before } : before,
    after: op === 'd' ? null : data,
    key,
    position,
    time_ms: timeOf(metadata),
  };
  // A row that is loaded again as it was is the same fact; DMS gives it no position.
  return changeItem(body, position ?? (op === 'r' ? `load:${rowHash(data)}` : null));
}

/** Of a change, where the task has IncludeTransactionDetails: its place in the log, and among the records of its transaction. */
function positionOf(metadata: Row): string | null {
  const position = textOrNull(metadata['stream-position']);
  const within = metadata['transaction-record-id'];
  if (position === null || !(typeof within === 'number' || typeof within === 'string')) return null;
  return `${position}:${within}`;
}

/** When it was committed; of a loaded row, when DMS made the record. Its times are UTC whether they say so or not. */
function timeOf(metadata: Row): number | null {
  const text = textOrNull(metadata['commit-timestamp']) ?? textOrNull(metadata.timestamp);
  if (text === null) return null;
  const ms = Date.parse(ZONED.test(text) ? text : `${text.replace(' ', 'T')}Z`);
  return Number.isNaN(ms) ? null : ms;
}

function gapsOf(metadata: Row): Gap[] {
  const operation = textAt(metadata.operation, 'metadata.operation');
  if (!RESTARTS.has(operation)) return [];
  const table = textOrNull(metadata['table-name']) ?? 'a table without a name';
  const name = nameOf({ schema: textOrNull(metadata['schema-name']), table });
  if (table.startsWith('awsdms_')) return [];
  const time = timeOf(metadata);
  return [
    {
      kind: operation,
      detail: `${name} is loaded anew: what was deleted before that is not told`,
      ...(time === null ? {} : { to_ms: time }),
    },
  ];
}

function notApplied({ data }: Row): Gap {
  const table = objectAt(data, 'data').TABLE_NAME ?? objectAt(data, 'data').table_name;
  return { kind: EXCEPTIONS, detail: `a change of ${textOrNull(table) ?? 'a table'} could not be applied` };
}

const withoutNulls = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
