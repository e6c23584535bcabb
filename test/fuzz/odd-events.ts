/** Odd records from a seed: good events made wrong in the ways that producers make them, and in ways that nobody would. */
import fc from 'fast-check';
import { aggregate, sealed } from '../core/kpl-writer.ts';
import { Chance } from '../simulation/chance.ts';
import {
  DECIMALS,
  deep,
  type Envelope,
  KEYS,
  Literal,
  NUMBERS,
  SPLICES,
  TEXTS,
  TIMES,
  Twice,
  WRONG,
} from './odd-values.ts';

export interface OddRecord {
  readonly partition_key: string;
  readonly data: Uint8Array;
}

/** ms UTC: when the first record arrives. */
export const ARRIVAL = Date.UTC(2026, 2, 1, 12);
const POOL = 400;
const MAX_EVENT = 256 * 1024;
export class OddEvents {
  private readonly chance: Chance;
  private readonly values: readonly unknown[];
  private readonly texts: readonly string[];
  private made = 0;

  constructor(seed: number) {
    this.chance = new Chance(seed);
    const options = { seed, numRuns: POOL };
    this.values = fc.sample(fc.jsonValue({ maxDepth: 4, noUnicodeString: false } as fc.JsonSharedConstraints), options);
    this.texts = fc.sample(fc.string({ unit: 'binary', maxLength: 40 }), options);
  }

  next(): OddRecord {
    const { chance } = this;
    const odd = chance.float();
    if (odd < 0.06) return this.several((units) => aggregate(units));
    if (odd < 0.08) return this.several((units) => sealed(this.damaged(aggregate(units).subarray(4, -16))));
    if (odd < 0.09) return this.several((units) => this.damaged(aggregate(units)));
    if (odd < 0.17) {
      const end = Buffer.from(chance.pick(['\n', '\r\n', '', '\n\n', ' ', ',', '\t\n']));
      return this.several((units) => Buffer.concat(units.flatMap(({ data }) => [data, end])));
    }
    const one = this.event();
    return odd < 0.24 ? { ...one, data: this.damaged(one.data) } : one;
  }

  private several(join: (units: readonly OddRecord[]) => Uint8Array): OddRecord {
    const units = Array.from({ length: 1 + this.chance.int(8) }, () => this.event());
    return { partition_key: this.chance.pick(units).partition_key, data: join(units) };
  }

  private event(): OddRecord {
    const { chance } = this;
    const event = this.good();
    const key = String(event.entity_id);
    const changes = chance.of(0.35) ? 0 : chance.pick([1, 1, 1, 2, 3]);
    for (let i = 0; i < changes; i++) this.change(event);
    // The keys of Kinesis have no surrogates and no more than 256 characters.
    const own = typeof event.entity_id === 'string' && event.entity_id.isWellFormed() ? event.entity_id : key;
    const partition_key = chance.of(0.05) ? 'another' : [...own].slice(0, 256).join('') || 'nobody';
    return { partition_key, data: Buffer.from(write(event), 'utf8') };
  }

  private good(): Envelope {
    const { chance } = this;
    const id = chance.of(0.1) && this.made > 0 ? chance.int(this.made) : this.made++;
    const entity_id = `c${chance.of(0.3) ? 0 : chance.int(60)}`;
    const base = { event_id: `e${id}`, entity_id, source: 'till' };
    const at = ARRIVAL - chance.int(chance.pick([1000, 86_400_000, 40 * 86_400_000]));
    switch (chance.int(5)) {
      case 0:
        return {
          ...base,
          event_type: 'visit',
          event_time: at,
          schema_version: 1,
          properties: { page: chance.pick(['a', 'b']) },
        };
      case 1:
        return { ...base, event_type: 'ping', event_time: Math.floor(at / 1000), schema_version: 1 };
      case 2:
        return {
          ...base,
          event_type: 'refund',
          event_time: iso(at),
          schema_version: 1,
          properties: { buy_id: `e${chance.int(this.made)}` },
        };
      default:
        return {
          ...base,
          event_type: 'buy',
          event_time: iso(at),
          schema_version: chance.pick([1, 2]),
          properties: this.purchase(),
        };
    }
  }

  private purchase(): Envelope {
    const { chance } = this;
    return {
      Total: chance.pick(['12.34', '0.10', '99', 7, 0.5]),
      items: chance.int(5),
      channel: chance.pick(['web', 'SHOP ', 'app']),
      loyal: chance.of(0.5),
      note: chance.pick(['', 'n1', ' n2 ', '𝒳']),
      ...(chance.of(0.3) ? { points: chance.pick([3, '12', 3.7, -1_000_000, true, { a: 1 }]) } : {}),
    };
  }

  /** One thing of the event becomes another. */
  private change(event: Envelope): void {
    const { chance } = this;
    const inside = insideOf(event);
    const text = () => (chance.of(0.6) ? chance.pick(TEXTS) : chance.pick(this.texts));
    switch (chance.int(14)) {
      case 0:
        event[chance.pick(['event_id', 'entity_id', 'event_type', 'source'])] = chance.of(0.7)
          ? text()
          : chance.pick(WRONG);
        return;
      case 1:
        event.event_time = chance.of(0.85) ? chance.pick(TIMES) : chance.pick(WRONG);
        return;
      case 2:
        event.schema_version = chance.pick([0, 1, 2, 3, '1', ...NUMBERS]);
        return;
      case 3:
        delete event[chance.pick(Object.keys(event))];
        return;
      case 4:
        inside[chance.pick(['Total', 'items', 'points'])] = chance.pick([...NUMBERS, ...DECIMALS, ...WRONG]);
        return;
      case 5:
        inside[chance.pick(['channel', 'note', 'page', 'buy_id'])] = text();
        return;
      case 6:
        inside[chance.pick(['loyal', 'due', 'note', 'items'])] = chance.pick([...WRONG, ...TIMES]);
        return;
      case 7:
        (chance.of(0.7) ? inside : event)[chance.pick(KEYS)] = chance.pick([...this.values, ...WRONG]);
        return;
      case 8:
        inside[chance.of(0.8) ? chance.pick(KEYS) : chance.pick(this.texts)] = this.nested();
        return;
      case 9:
        event.properties = chance.pick([
          null,
          [],
          'x',
          3,
          inside,
          new Literal('{"a":1,"a":2,"Total":"1","Total":"2"}'),
        ]);
        return;
      case 10:
        event[chance.pick(['available_at', 'sub_sequence', 'shard_id'])] = chance.pick([...TIMES, ...WRONG]);
        return;
      case 11:
        if (chance.of(0.05)) inside.note = this.padded();
        else inside.note = ' '.repeat(chance.int(3000));
        return;
      case 12: {
        const holder = chance.of(0.5) ? inside : event;
        const key = chance.pick([...Object.keys(holder), 'more']);
        const other = chance.of(0.5) ? this.nested() : chance.pick(WRONG);
        holder[key] = chance.of(0.7) ? new Twice(other, holder[key]) : new Twice(holder[key], other);
        return;
      }
      default:
        inside[chance.pick(KEYS)] = text();
    }
  }

  private nested(): unknown {
    const { chance } = this;
    const levels = chance.pick([1, 5, 60, 61, 62, 63, 64, 65, 66, 100, 600, 1500, 5000]);
    return chance.of(0.5) ? deep(levels) : new Literal(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
  }

  /** Around the limit of an event. */
  private padded(): string {
    return ' '.repeat(MAX_EVENT - 400 + this.chance.int(800));
  }

  private damaged(data: Uint8Array): Buffer {
    const { chance } = this;
    const bytes = Buffer.from(data);
    const at = chance.int(bytes.length + 1);
    switch (chance.int(4)) {
      case 0:
        return bytes.subarray(0, at);
      case 1: {
        const flipped = Buffer.from(bytes);
        if (at < flipped.length) flipped[at] = chance.int(256);
        return flipped;
      }
      case 2:
        return Buffer.concat([bytes.subarray(0, at), chance.pick(SPLICES), bytes.subarray(at)]);
      default:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + chance.int(8))]);
    }
  }
}

/** The properties of an event, to be changed; where an earlier change made them something else, nothing of the event is. */
function insideOf(event: Envelope): Envelope {
  const { properties } = event;
  if (properties === undefined) event.properties = {};
  return properties === undefined || isPlain(properties) ? (event.properties as Envelope) : {};
}

function isPlain(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Literal || value instanceof Twice)
  );
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** JSON with literals in their places; surrogates without a partner as JSON.stringify escapes them. */
function write(value: unknown): string {
  if (value instanceof Literal) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).flatMap(([key, one]) =>
    (one instanceof Twice ? one.values : [one]).map((each) => `${JSON.stringify(key)}:${write(each)}`),
  );
  return `{${entries.join(',')}}`;
}
