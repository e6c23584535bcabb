/**
 * A record of DynamoDB Streams, as Lambda gets it
 * (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html).
 */
import { Rejection } from '../../ir/rejection.ts';
import { bodyOf, refusedWhole } from '../body.ts';
import type { ChangeBody, Envelope, Item } from '../envelope.ts';
import { changeItem, type Row } from './change-item.ts';
import { objectAt, textAt } from './object-body.ts';

const OPERATIONS: Readonly<Record<string, ChangeBody['op']>> = { INSERT: 'c', MODIFY: 'u', REMOVE: 'd' };
const TABLE_OF_ARN = /:table\/([^/]+)\//;

export const dynamodb: Envelope = {
  name: 'dynamodb',
  unpack: (raw) =>
    refusedWhole(raw, () => ({ items: [itemOf(objectAt(bodyOf(raw), 'record'))], refused: [], gaps: [] })),
};

function itemOf(record: Row): Item {
  const name = textAt(record.eventName, 'eventName');
  const op = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  if (op === undefined) {
    const allowed = Object.keys(OPERATIONS).join(', ');
    throw new Rejection('INVALID_ENVELOPE', `eventName: found another text; allowed: ${allowed}`);
  }
  const change = objectAt(record.dynamodb, 'dynamodb');
  const table = TABLE_OF_ARN.exec(textAt(record.eventSourceARN, 'eventSourceARN'))?.[1];
  if (table === undefined)
    throw new Rejection('INVALID_ENVELOPE', 'eventSourceARN: found another text; allowed: the ARN of a table’s stream');
  const position = textAt(change.SequenceNumber, 'dynamodb.SequenceNumber');
  const { ApproximateCreationDateTime: seconds } = change;
  const body: ChangeBody = {
    ...{ op, schema: null, table },
    before: imageOf(change.OldImage, 'dynamodb.OldImage'),
    after: imageOf(change.NewImage, 'dynamodb.NewImage'),
    key: imageOf(change.Keys, 'dynamodb.Keys'),
    position,
    time_ms: typeof seconds === 'number' ? Math.round(seconds * 1000) : null,
  };
  return changeItem(body, position);
}

/** Null where the stream's view type leaves it out. */
function imageOf(image: unknown, name: string): Row | null {
  if (image === undefined || image === null) return null;
  return mapOf(objectAt(image, name), name);
}

const mapOf = (map: Row, name: string): Row =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, plain(objectAt(value, name), name)]));

/**
 * An attribute value as JSON: numbers as numbers where a double keeps them to the digit, else as their decimal text; bytes as
 * base64; sets as arrays.
 */
function plain(value: Row, name: string): unknown {
  const [type, content] = Object.entries(value)[0] ?? [];
  if (type === 'NULL') return null;
  if (type === 'M') return mapOf(objectAt(content, name), name);
  if (type === 'L') return listOf(content, name).map((part) => plain(objectAt(part, name), name));
  if (type === 'SS' || type === 'BS') return listOf(content, name);
  if (type === 'NS') return listOf(content, name).map((part) => numberOf(textAt(part, name)));
  if (type === 'N') return numberOf(textAt(content, name));
  if ((type === 'S' || type === 'B') && typeof content === 'string') return content;
  if (type === 'BOOL' && typeof content === 'boolean') return content;
  throw new Rejection(
    'INVALID_ENVELOPE',
    `${name}: found no attribute value; allowed: S, N, B, BOOL, NULL, M, L or a set`,
  );
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Rejection('INVALID_ENVELOPE', `${name}: found ${typeof value}; allowed: an array`);
}

/** DynamoDB's numbers have up to 38 digits. */
function numberOf(text: string): number | string {
  const number = Number(text);
  return String(number) === text ? number : text;
}
