/** Bodies through an envelope, and what tests look at of what comes out. */
import type { Envelope, Unpacked } from '../../../core/intake/envelope.ts';

export const RECEIVED = Date.parse('2026-11-27T12:00:00Z');

export function unpack<Options>(envelope: Envelope<Options>, body: unknown, options = {} as Options): Unpacked {
  const raw = typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  return envelope.unpack(raw, { received_ms: RECEIVED, carriage: 'http' }, options);
}

/** Without the way to read them again, which is a function. */
export const itemsOf = ({ items }: Unpacked) => items.map(({ raw, ...item }) => item);
export const ids = ({ items }: Unpacked) => items.map(({ id }) => id);
export const bodies = ({ items }: Unpacked) => items.map(({ body }) => body as Record<string, unknown>);
export const times = (unpacked: Unpacked) => bodies(unpacked).map(({ time_ms }) => time_ms);
export const reasons = ({ refused }: Unpacked) => refused.map(({ reason }) => reason);
