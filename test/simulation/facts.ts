/** What producers send: facts about a few entities, good and broken, as the bytes of stream records. */
import type { RejectionReason } from '../../core/ir/rejection.ts';
import { DAY, HOUR, MINUTE } from '../../core/values/time.ts';
import { EPOCH } from '../core/generators.ts';
import { aggregate } from '../core/kpl-writer.ts';
import type { Chance } from './chance.ts';
import type { Profile } from './profile.ts';

/** Larger records are refused here, so that they are cheap to make. */
export const MAX_BYTES = 2048;

/** A record as a producer puts it. */
export interface Sent {
  readonly partition_key: string;
  readonly data: Uint8Array;
  /** One for each event in it, in order; none where the processor put it again. */
  readonly parts: readonly SentEvent[];
}

export interface SentEvent {
  readonly partition_key: string;
  readonly data: Uint8Array;
  /** Why it must be refused; null for a good one, that may still come from too far in the future. */
  readonly broken: RejectionReason | null;
}

type Envelope = Record<string, unknown> & { available_at?: number };

/** An envelope made wrong, or its text. */
const BREAK: readonly (readonly [RejectionReason, (good: Envelope) => Envelope | string])[] = [
  ['MISSING_ENTITY', ({ entity_id: _, ...rest }) => rest],
  ['MISSING_ENTITY', (good) => ({ ...good, entity_id: '' })],
  ['MISSING_ENTITY', (good) => ({ ...good, entity_id: null })],
  ['INVALID_FIELD', (good) => ({ ...good, entity_id: '#clock' })],
  ['MALFORMED_JSON', (good) => JSON.stringify(good).slice(0, -1)],
  ['NOT_AN_OBJECT', () => '[1]'],
  ['FORBIDDEN_KEY', (good) => JSON.stringify(good).replace('"properties":{', '"properties":{"__proto__":1,')],
  ['UNKNOWN_EVENT_TYPE', (good) => ({ ...good, event_type: 'sell' })],
  ['UNSUPPORTED_SCHEMA_VERSION', (good) => ({ ...good, schema_version: 9 })],
  ['OUT_OF_RANGE', (good) => ({ ...good, properties: { amount: 1e7 } })],
  ['NOT_IN_ENUM', (good) => ({ ...good, properties: { kind: 'z' } })],
  ['INVALID_EVENT_TIME', (good) => ({ ...good, event_time: '2017-01-02T00:00:00' })],
  ['OVERSIZE', (good) => ({ ...good, source: 'x'.repeat(MAX_BYTES) })],
];

/** How long before it was sent a fact happened, ms: at once, late, from a clock that is ahead, and from one that is far ahead. */
const DELAYS = [0, 0, 0, 1, 1000, 7 * MINUTE, HOUR, 3 * DAY, 13 * DAY, 40 * DAY, -1000, -4 * MINUTE, -HOUR];
const EDGES = [1, 1, 5 * MINUTE, HOUR, DAY];
const NOTES = ['', 'x', 'é', '\u{1F600}', '\uFFFD'];

interface Plan {
  readonly entity: string;
  readonly type: 'buy' | 'visit' | 'refund';
  readonly id: string;
}

/** The facts of one seed: entities and types are drawn first, so that a refund may come before its purchase. */
export class Facts {
  private readonly chance: Chance;
  private readonly profile: Profile;
  private readonly plans: readonly Plan[];

  constructor(chance: Chance, profile: Profile) {
    this.chance = chance;
    this.profile = profile;
    this.plans = Array.from({ length: profile.facts }, (_, i) => {
      // One entity has most of the events.
      const entity = `thing-${chance.of(0.4) ? 0 : chance.int(profile.entities)}`;
      return { entity, type: chance.pick(['buy', 'buy', 'visit', 'refund']), id: `${entity}-e${i}` };
    });
  }

  get count(): number {
    return this.plans.length;
  }

  /** @param now ms UTC by the producer's clock. */
  fact(i: number, now: number): SentEvent {
    const { chance } = this;
    const { entity, type, id } = this.plans[i]!;
    const claimed = Math.max(EPOCH - 50 * DAY, now - chance.pick(DELAYS));
    const edge = chance.pick(EDGES);
    const event_time = Math.floor(claimed / edge) * edge;
    const known = this.profile.replay && chance.of(0.7) ? { available_at: event_time + chance.pick([0, 1, HOUR]) } : {};
    const good: Envelope = {
      event_id: id,
      entity_id: entity,
      event_type: type,
      event_time: new Date(event_time).toISOString(),
      ...known,
      source: 'test',
      schema_version: 1,
      properties: this.properties(entity, type),
    };
    if (!chance.of(this.profile.broken)) return { partition_key: entity, data: bytes(good), broken: null };
    const [reason, spoil] = chance.pick(BREAK);
    const partition_key = reason === 'MISSING_ENTITY' ? 'nobody' : entity;
    // Of long ago, so that it is refused for nothing else.
    const { available_at: _, ...old } = { ...good, event_time: new Date(EPOCH - 50 * DAY).toISOString() };
    return { partition_key, data: bytes(spoil(old)), broken: reason };
  }

  /**
   * Some facts from the i-th on, for one record. Where only watermarks tell what was applied, those of one entity: of a record
   * with another key, what is not its own is put again, and a copy would not be known as such.
   */
  some(i: number, now: number): SentEvent[] {
    const { chance, profile } = this;
    const facts = Array.from({ length: Math.min(1 + chance.int(6), this.count - i) }, (_, j) => this.fact(i + j, now));
    if (!profile.forgetful) return facts;
    const other = facts.findIndex(({ partition_key }) => partition_key !== facts[0]!.partition_key);
    return other < 0 ? facts : facts.slice(0, other);
  }

  private properties(entity: string, type: Plan['type']): Envelope {
    const { chance } = this;
    const maybe = <T>(value: T): T | null => (chance.of(0.2) ? null : value);
    const amount = chance.of(0.5) ? chance.between(-5, 5) : chance.between(-100_000, 100_000);
    return {
      amount: maybe(amount),
      kind: maybe(chance.pick(['a', 'b', 'c'])),
      flag: maybe(chance.of(0.5)),
      note: maybe(chance.pick(NOTES)),
      ...(type === 'refund' ? { buy_id: this.target(entity) } : {}),
    };
  }

  private target(entity: string): string {
    const own = this.plans.filter((plan) => plan.entity === entity && plan.type === 'buy');
    return own.length > 0 && !this.chance.of(0.1) ? this.chance.pick(own).id : 'of-nobody';
  }
}

/** Events in one record: aggregated, or a line each, or one right after the other. */
export function several(parts: readonly SentEvent[], chance: Chance): Sent {
  const { partition_key, data } = parts[0]!;
  if (parts.length === 1) return { partition_key, data, parts };
  // A broken line may be one part with the next.
  const plain = parts.every(({ broken }) => broken === null) && chance.of(0.4);
  if (!plain) return { partition_key, data: aggregate(parts), parts };
  const end = Buffer.from(chance.pick(['\n', '\r\n', '']));
  return { partition_key, data: Buffer.concat(parts.flatMap((part) => [part.data, end])), parts };
}

function bytes(record: Envelope | string): Uint8Array {
  return Buffer.from(typeof record === 'string' ? record : JSON.stringify(record), 'utf8');
}
