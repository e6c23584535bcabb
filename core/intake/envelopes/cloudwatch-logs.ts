/**
 * What a subscription filter of CloudWatch Logs sends: many lines of one log stream, in gzip
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html).
 */
import { gunzipSync } from 'node:zlib';
import { Rejection } from '../../ir/rejection.ts';
import { bodyOf, bytesOf, refusedWhole } from '../body.ts';
import type { Envelope, Item, Refused, Unpacked } from '../envelope.ts';
import { identifierText } from '../identifier-text.ts';
import { msOrNull, type Row } from './change-item.ts';
import { isObject, objectAt, textAt } from './object-body.ts';

const GZIP = [0x1f, 0x8b];
/** A subscription sends far less; what unpacks to more is no log. */
const MAX_BYTES = 6 * 1024 * 1024;

export const cloudwatchLogs: Envelope = {
  name: 'cloudwatch_logs',
  unpack: (raw) => refusedWhole(raw, () => unpack(objectAt(bodyOf(unzipped(raw)), 'record'))),
};

function unpack(record: Row): Unpacked {
  // One line, as the quarantine keeps it.
  if (record.messageType === undefined && record.logGroup !== undefined) return linesOf(record, [record]);
  const type = textAt(record.messageType, 'messageType');
  // CloudWatch Logs asks whether we are there.
  if (type === 'CONTROL_MESSAGE') return { items: [], refused: [], gaps: [] };
  if (type !== 'DATA_MESSAGE')
    throw new Rejection('INVALID_ENVELOPE', 'messageType: found another text; allowed: DATA_MESSAGE, CONTROL_MESSAGE');
  if (Array.isArray(record.logEvents)) return linesOf(record, record.logEvents);
  throw new Rejection('INVALID_ENVELOPE', `logEvents: found ${typeof record.logEvents}; allowed: an array`);
}

function linesOf(record: Row, lines: readonly unknown[]): Unpacked {
  const logGroup = textAt(record.logGroup, 'logGroup');
  const { logStream = null, owner = null } = record;
  const items: Item[] = [];
  const refused: Refused[] = [];
  for (const line of lines) {
    const about = { owner, logGroup, logStream };
    try {
      items.push(itemOf(about, objectAt(line, 'logEvents')));
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      const raw = bytesOf(isObject(line) ? { ...line, ...about } : line);
      refused.push({ reason: error.reason, detail: error.message, raw, kind: logGroup });
    }
  }
  return { items, refused, gaps: [] };
}

function itemOf(about: Row & { readonly logGroup: string }, line: Row): Item {
  const id = identifierText(line.id);
  const body = {
    ...about,
    id,
    timestamp: msOrNull(line.timestamp),
    message: messageOf(line.message),
    ...(isObject(line.extractedFields) ? { extractedFields: line.extractedFields } : {}),
  };
  return { body, id: id && `${about.logGroup}:${id}`, kind: about.logGroup };
}

/** A line that is a JSON object as that, any other as its text. */
function messageOf(message: unknown): unknown {
  if (isObject(message)) return message;
  if (typeof message !== 'string')
    throw new Rejection('INVALID_ENVELOPE', `message: found ${typeof message}; allowed: a text`);
  if (!/^\s*\{/.test(message)) return message;
  try {
    return bodyOf(Buffer.from(message));
  } catch (error) {
    if (error instanceof Rejection && error.reason === 'MALFORMED_JSON') return message;
    throw error;
  }
}

function unzipped(raw: Uint8Array): Uint8Array {
  if (!GZIP.every((byte, i) => raw[i] === byte)) return raw;
  try {
    return gunzipSync(raw, { maxOutputLength: MAX_BYTES });
  } catch {
    throw new Rejection(
      'INVALID_ENVELOPE',
      `record: found gzip that is damaged or unpacks to more than ${MAX_BYTES} bytes; allowed: gzip up to that size`,
    );
  }
}
