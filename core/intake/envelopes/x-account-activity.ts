import type { JsonObject } from '../../admission/record.ts';
import { Rejection } from '../../ir/rejection.ts';
import { parseTimestamp } from '../../values/time.ts';
import type { Envelope, Item } from '../envelope.ts';
import { arrayAt, isObject, kindOf, objectAt, textAt, unpackObject, unpackParts } from './object-body.ts';

interface Part {
  /** As the member of the envelope is called: `tweet_create_events`, `user_event.revoke`. */
  readonly kind: string;
  readonly event: unknown;
}

/**
 * X's Account Activity API, which the X Activity API replaces: `for_user_id` and arrays of events
 * (https://docs.x.com/x-api/account-activity/introduction). Item: `{ for_user_id, kind, event, time_ms }`, an item each event,
 * by kind, account and the event's own id; those without (follows, revocations) by who, whom and when.
 */
export const xAccountActivity: Envelope = {
  name: 'x_account_activity',
  unpack: (raw, { received_ms }) =>
    unpackObject(raw, (root) => {
      const parts = partsOf(root);
      // A revocation is told to the app and not for an account.
      const for_user_id = root.for_user_id === undefined ? null : textAt(root.for_user_id, 'for_user_id');
      if (parts.length === 0)
        throw new Rejection(
          'INVALID_ENVELOPE',
          'envelope: found no array of events; allowed: members such as tweet_create_events, favorite_events, follow_events, or user_event.revoke',
        );
      return unpackParts(
        parts,
        (part) => itemOf(part, for_user_id, received_ms),
        ({ kind, event }) => (kind === REVOKE ? { user_event: { revoke: event } } : { for_user_id, [kind]: [event] }),
      );
    }),
};

const REVOKE = 'user_event.revoke';

function partsOf(root: JsonObject): Part[] {
  const parts = Object.entries(root).flatMap(([kind, events]) =>
    kind.endsWith('_events') ? arrayAt(events, kindOf(kind)).map((event): Part => ({ kind, event })) : [],
  );
  if (root.user_event !== undefined)
    parts.push({ kind: REVOKE, event: objectAt(root.user_event, 'user_event').revoke });
  return parts;
}

function itemOf(part: Part, for_user_id: string | null, received_ms: number): Item {
  const kind = kindOf(part.kind);
  const event = objectAt(part.event, kind);
  if (kind !== REVOKE && for_user_id === null)
    throw new Rejection('INVALID_ENVELOPE', `for_user_id: found none; allowed: the account that ${kind} is of`);
  const time = timeOf(event);
  const own = idOf(event, kind, time);
  const body = { for_user_id, kind, event, time_ms: time ?? received_ms };
  const id = own === null ? null : [kind, ...(for_user_id === null ? [] : [for_user_id]), own].join(':');
  return { body, id, kind };
}

/** @returns null where the event has none, and the map must make one */
function idOf(event: JsonObject, kind: string, time: number | null): string | null {
  if (kind === 'tweet_delete_events') return idIn(event.status);
  const own = idIn(event);
  if (own !== null) return own;
  const [source, target] = [idIn(event.source), idIn(event.target)];
  if (source === null || time === null) return null;
  const verb = typeof event.type === 'string' ? [kindOf(event.type)] : [];
  return [...verb, source, ...(target === null ? [] : [target]), time].join(':');
}

function idIn(value: unknown): string | null {
  if (!isObject(value)) return null;
  const id = value.id_str ?? value.id ?? value.user_id ?? value.app_id;
  return typeof id === 'string' && id !== '' ? id : null;
}

/** ms UTC. */
function timeOf(event: JsonObject): number | null {
  const ms = parseTimestamp(event.timestamp_ms ?? event.created_timestamp, 'epoch_ms');
  if (!('error' in ms)) return ms.value;
  const iso = parseTimestamp(event.date_time, 'iso8601');
  if (!('error' in iso)) return iso.value;
  return typeof event.created_at === 'string' ? oldTime(event.created_at) : null;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const OLD = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{2}) (\d{2}:\d{2}:\d{2}) \+0000 (\d{4})$/;

/** `Wed Oct 10 20:19:24 +0000 2018`, as the first version of X's API writes a time. */
function oldTime(text: string): number | null {
  const [, month = '', day, time, year] = OLD.exec(text) ?? [];
  const number = MONTHS.indexOf(month) + 1;
  if (number === 0) return null;
  const parsed = parseTimestamp(`${year}-${String(number).padStart(2, '0')}-${day}T${time}Z`, 'iso8601');
  return 'error' in parsed ? null : parsed.value;
}
