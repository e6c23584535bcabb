import type { JsonObject } from '../../admission/record.ts';
import { parseTimestamp } from '../../values/time.ts';
import type { Envelope } from '../envelope.ts';
import { kindOf, objectAt, textAt, unpackObject } from './object-body.ts';

/**
 * An event of the X Activity API (https://docs.x.com/x-api/activity/event-payloads). Item: its `data` (`event_type`,
 * `filter`, `payload`, …) and `time_ms`, by its `event_uuid`.
 *
 * `time_ms` (UTC): X has no common time. A post has its own; of a like it is `timestamp_ms` (its `created_at` is that of the
 * post); the others have none and get the time of arrival.
 */
export const xActivity: Envelope = {
  name: 'x_activity',
  unpack: (raw, { received_ms }) =>
    unpackObject(raw, (root) => {
      const data = objectAt(root.data, 'data');
      const type = textAt(data.event_type, 'data.event_type');
      const id = textAt(data.event_uuid, 'data.event_uuid');
      const payload = objectAt(data.payload, 'data.payload');
      const body = { ...data, time_ms: timeOf(type, payload) ?? received_ms };
      return { items: [{ body, id, kind: kindOf(type) }], refused: [], gaps: [] };
    }),
};

function timeOf(type: string, payload: JsonObject): number | null {
  if (type === 'like.create') return timeIn(payload.timestamp_ms, 'epoch_ms');
  if (type === 'oauth.revoke') return timeIn(payload.date_time, 'iso8601');
  // What tells that a post is gone tells when the post was made, if anything.
  if (!type.startsWith('post.') || type === 'post.delete') return null;
  return timeIn(payload.created_at, 'iso8601');
}

function timeIn(value: unknown, format: 'iso8601' | 'epoch_ms'): number | null {
  const parsed = parseTimestamp(value, format);
  return 'error' in parsed ? null : parsed.value;
}
