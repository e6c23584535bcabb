/** Random views and random streams: late, duplicated, tied, reordered between shards, with null and missing values. */
import fc from 'fast-check';
import { contract, field } from '../../core/define.ts';
import { hashOf, type ViewBody, versionOf } from '../../core/definition-hash.ts';
import type {
  AggregateFeatureIR,
  AggregationOp,
  CanonicalEvent,
  FeatureIR,
  FeatureViewIR,
  PredicateIR,
} from '../../core/ir.ts';
import { DAY, HOUR, hopOf, MINUTE } from '../../core/time.ts';
import { AGGREGATION_OPS } from '../../core/usecase.ts';

/** A Monday, so that day, hour and five-minute edges coincide here. */
export const EPOCH = Date.UTC(2017, 0, 2);

const shared = {
  amount: field.int({ min: -100_000, max: 100_000, required: false }),
  kind: field.enum(['a', 'b', 'c'], { required: false }),
  flag: field.bool({ required: false }),
  note: field.string({ required: false }),
};
export const contracts = [contract('buy', 1, { fields: shared }).ir, contract('visit', 1, { fields: shared }).ir];

const predicate: fc.Arbitrary<PredicateIR> = fc.oneof(
  fc.record({
    field: fc.constant('kind'),
    op: fc.constantFrom('eq' as const, 'ne' as const),
    value: fc.constantFrom('a', 'b'),
  }),
  fc.record({
    field: fc.constant('amount'),
    op: fc.constantFrom('gt' as const, 'gte' as const, 'lt' as const, 'lte' as const),
    value: fc.integer({ min: -3, max: 3 }),
  }),
  fc.record({ field: fc.constant('flag'), op: fc.constant('eq' as const), value: fc.boolean() }),
  fc.record({ field: fc.constant('kind'), op: fc.constant('in' as const), value: fc.constant(['b', 'c']) }),
);

function fieldsFor(op: AggregationOp): readonly (string | null)[] {
  if (['sum', 'mean', 'min', 'max'].includes(op)) return ['amount'];
  if (['first', 'last', 'count_distinct'].includes(op)) return ['amount', 'kind', 'flag', 'note'];
  return [null, 'amount'];
}

const WINDOWS = [
  5 * MINUTE,
  HOUR,
  12 * HOUR - MINUTE,
  12 * HOUR,
  DAY,
  7 * DAY,
  12 * DAY - HOUR,
  12 * DAY,
  28 * DAY,
  90 * DAY,
];

const aggregate: fc.Arbitrary<Omit<AggregateFeatureIR, 'name'>> = fc
  .record({
    op: fc.constantFrom(...AGGREGATION_OPS),
    event_type: fc.constantFrom('buy', 'visit'),
    pick: fc.nat(),
    where: fc.array(predicate, { maxLength: 2 }),
    window_ms: fc.option(fc.constantFrom(...WINDOWS), { freq: 5 }),
  })
  .map(({ op, event_type, pick, where, window_ms }) => {
    const fields = fieldsFor(op);
    const column = fields[pick % fields.length]!;
    const picks = op === 'first' || op === 'last';
    const text = column === 'kind' || column === 'note';
    return {
      kind: 'aggregate',
      description: '',
      op,
      event_type,
      field: column,
      where,
      window_ms,
      hop_ms: window_ms === null ? null : hopOf(window_ms),
      cap: op === 'count_distinct' ? 64 : null,
      value_type: op === 'mean' ? 'float' : picks && text ? 'string' : picks && column === 'flag' ? 'bool' : 'int',
      enum_values: picks && column === 'kind' ? ['a', 'b', 'c'] : null,
    };
  });

/** Up to eight aggregates and a ratio, a difference and a comparison over the first of them. */
export const view: fc.Arbitrary<FeatureViewIR> = fc.array(aggregate, { minLength: 2, maxLength: 8 }).map((specs) => {
  const features: FeatureIR[] = specs.map((spec, i) => ({ ...spec, name: `f${i}` }));
  const ref = (name: string) => ({ op: 'ref', name }) as const;
  for (const [name, op] of [
    ['ratio', 'div'],
    ['difference', 'sub'],
    ['more', 'gt'],
  ] as const) {
    features.push({
      kind: 'derived',
      name,
      description: '',
      value_type: 'float',
      expr: { op, left: ref('f0'), right: ref('f1') },
    });
  }
  const body: ViewBody = { name: 'random', entity: 'thing', features, dedupe: { horizon_ms: 400 * DAY, cap: 4096 } };
  const definition_hash = hashOf(body, contracts);
  return { ...body, definition_hash, version: versionOf('random', definition_hash) };
});

/** Times that meet the edges: multiples of 5 min, 1 h and 1 d, a ms beside them, and anything between. */
const time = fc
  .tuple(fc.integer({ min: 0, max: 100 * 288 }), fc.constantFrom(0, 0, 1, -1, 12_345))
  .map(([slot, offset]) => EPOCH + slot * 5 * MINUTE + offset);

const fact = fc.record({
  event_type: fc.constantFrom('buy', 'visit'),
  event_time: time,
  delay: fc.constantFrom(0, 0, 1, 1000, HOUR, 3 * DAY),
  amount: fc.option(fc.integer({ min: -5, max: 5 }), { freq: 4 }),
  kind: fc.option(fc.constantFrom('a', 'b', 'c'), { freq: 4 }),
  flag: fc.option(fc.boolean(), { freq: 4 }),
  note: fc.option(fc.constantFrom('', 'x', 'é', '\u{1F600}', '\uFFFD'), { freq: 4 }),
  shard: fc.constantFrom('shard-a', 'shard-b'),
  copies: fc.constantFrom(0, 0, 0, 1, 2),
});

/** In order of arrival, with growing sequence numbers in each shard; copies share the event id. */
export const stream: fc.Arbitrary<CanonicalEvent[]> = fc.array(fact, { maxLength: 40 }).map((facts) => {
  const all = facts.flatMap((f, i) =>
    Array.from({ length: f.copies + 1 }, (_, copy) => ({
      f,
      id: `e${i}`,
      available_at: f.event_time + f.delay + copy * 60_000,
      copy,
    })),
  );
  all.sort((a, b) => a.available_at - b.available_at);
  return all.map(({ f, id, available_at, copy }, position) => ({
    event_id: id,
    entity_id: 'thing-1',
    event_type: f.event_type,
    event_time: f.event_time,
    source_time: null,
    source: 'test',
    schema_version: 1,
    properties: { amount: f.amount, kind: f.kind, flag: f.flag, note: f.note },
    available_at,
    shard_id: copy === 1 ? 'shard-b' : f.shard,
    sequence_number: `${10n ** 20n + BigInt(position)}`,
  }));
});

export function newestArrival(events: readonly CanonicalEvent[]): number {
  return Math.max(EPOCH, ...events.map((event) => event.available_at));
}
