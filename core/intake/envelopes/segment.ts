import type { JsonObject } from '../../admission/record.ts';
import { Rejection } from '../../ir/rejection.ts';
import { parseTimestamp } from '../../values/time.ts';
import type { Envelope, Item } from '../envelope.ts';
import { arrayAt, objectAt, unpackObject, unpackParts } from './object-body.ts';

const TYPES = ['track', 'page', 'screen', 'identify', 'group', 'alias'];

/**
 * Messages of Segment's spec, which RudderStack's SDKs speak too (https://www.twilio.com/docs/segment/connections/spec/common):
 * one, or a `batch` of them. Item: the message with `user_id` (`userId`, else `anonymousId`) and `time_ms`, without its write
 * key, by its `messageId`.
 */
export const segment: Envelope = {
  name: 'segment',
  unpack: (raw, { received_ms }) =>
    unpackObject(raw, (root) => {
      const { batch, sentAt } = root;
      // What a batch says of all of its messages.
      const shared = batch === undefined || sentAt === undefined ? {} : { sentAt };
      return unpackParts(
        batch === undefined ? [root] : arrayAt(batch, 'batch'),
        (message, i) =>
          itemOf({ ...shared, ...objectAt(message, batch === undefined ? 'message' : `batch[${i}]`) }, received_ms),
        (message) => (typeof message === 'object' ? { ...shared, ...message } : message),
      );
    }),
};

function itemOf(message: JsonObject, received_ms: number): Item {
  const { writeKey, ...rest } = message;
  const { type, messageId } = rest;
  if (typeof type !== 'string' || !TYPES.includes(type))
    throw new Rejection('INVALID_ENVELOPE', `type: found none of the spec's; allowed: ${TYPES.join(', ')}`);
  const user = [rest.userId, rest.anonymousId].find((id) => id !== undefined && id !== null && id !== '');
  if (user === undefined)
    throw new Rejection('MISSING_ENTITY', 'userId, anonymousId: found neither; allowed: one of them at least');
  const body = { ...rest, user_id: user, time_ms: messageTime(rest, received_ms) };
  const id = typeof messageId === 'string' && messageId !== '' ? messageId : null;
  return { body, id, kind: type };
}

/**
 * `received − (sentAt − originalTimestamp)`: how long ago it was by the device's clock, taken from ours, so that a device's
 * wrong clock does not matter. What makes no sense (sent before it happened, no times at all) becomes the arrival; without
 * `sentAt` the device's word counts, unless it lies ahead of us.
 *
 * A message that went through Segment has been received there: `receivedAt` is that clock.
 *
 * @returns ms UTC, never after `received_ms`
 */
function messageTime(message: JsonObject, received_ms: number): number {
  const original = timeIn(message.originalTimestamp) ?? timeIn(message.timestamp);
  if (original === null) return received_ms;
  const sent = timeIn(message.sentAt);
  if (sent === null) return Math.min(original, received_ms);
  const age = sent - original;
  const received = Math.min(timeIn(message.receivedAt) ?? received_ms, received_ms);
  return age < 0 || age > received ? received : received - age;
}

function timeIn(value: unknown): number | null {
  const parsed = parseTimestamp(value, 'iso8601');
  return 'error' in parsed ? null : parsed.value;
}
