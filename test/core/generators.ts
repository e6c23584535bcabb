/** Random views and random streams: late, duplicated, tied, retracted, reordered between shards, with nulls. */
import fc from 'fast-check';
import { AGGREGATION_OPS, type AggregationOp, aggregationOf } from '../../core/aggregates/table.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import { contract, field } from '../../core/definition/define.ts';
import { hashOf, type ViewBody, versionOf } from '../../core/definition/hash.ts';
import { withPlan } from '../../core/definition/plan.ts';
import type {
  AggregateFeatureIR,
  CanonicalEvent,
  FeatureIR,
  FeatureViewIR,
  PredicateIR,
} from '../../core/ir/document.ts';
import { retractionRules } from '../../core/state/plan.ts';
import { DAY, HOUR, hopOf, MINUTE } from '../../core/values/time.ts';

/** A Monday, so that day, hour and five-minute edges coincide here. */
export const EPOCH = Date.UTC(2017, 0, 2);

const shared = {
  amount: field.int({ min: -100_000, max: 100_000, required: false }),
  kind: field.enum(['a', 'b', 'c'], { required: false }),
  flag: field.bool({ required: false }),
  note: field.string({ required: false }),
};
const buy = contract('buy', 1, { fields: shared });
const refund = contract('refund', 1, {
  fields: { ...shared, buy_id: field.string({ required: false }) },
  retracts: ({ buy_id }) => ({ of: buy, id: buy_id }),
});
export const contracts = [buy, contract('visit', 1, { fields: shared }), refund].map(contractIR);
const EVENT_TYPES = ['buy', 'visit', 'refund'] as const;

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

const COLUMNS = { amount: 'int', kind: 'enum', flag: 'bool', note: 'string' } as const;
type Column = keyof typeof COLUMNS;

export function fieldsFor(op: AggregationOp): readonly (Column | null)[] {
  const { required, types } = aggregationOf(op).field;
  const columns = (Object.keys(COLUMNS) as Column[]).filter((name) => !types || types.includes(COLUMNS[name]));
  return required ? columns : [null, 'amount'];
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

const aggregateOf = (
  ops: readonly AggregationOp[],
  fieldsOf = fieldsFor,
): fc.Arbitrary<Omit<AggregateFeatureIR, 'name'>> =>
  fc
    .record({
      op: fc.constantFrom(...ops),
      event_type: fc.constantFrom('buy' as const, 'buy' as const, ...EVENT_TYPES),
      pick: fc.nat(),
      where: fc.array(predicate, { maxLength: 2 }),
      window_ms: fc.option(fc.constantFrom(...WINDOWS), { freq: 5 }),
      /** A window of a series: its place among how many. */
      series: fc.constantFrom([0, 1], [0, 1], [0, 4], [1, 4], [3, 4]),
      k: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ op, event_type, pick, where, window_ms: width, series, k }) => {
      // Hops of a series are at most an hour here where its windows are narrow.
      const [place, of] = width !== null && width * 4 <= 90 * DAY && hopOf(width * 4) <= width ? series : [0, 1];
      const window_ms = width;
      const fields = fieldsOf(op);
      const column = fields[pick % fields.length]!;
      const { options = [], valueType } = aggregationOf(op);
      const type = column === null ? 'int' : COLUMNS[column];
      const value_type = valueType(type === 'enum' ? 'string' : type);
      return {
        kind: 'aggregate',
        description: '',
        op,
        event_type,
        field: column,
        where,
        window_ms,
        offset_ms: window_ms === null ? 0 : place! * window_ms,
        hop_ms: window_ms === null ? null : hopOf(window_ms * of!),
        // Small caps overflow; a sketch that overflows is an estimate, which the oracle doesn't make.
        cap: !options.includes('cap') ? null : op === 'count_distinct' ? 64 : 3,
        k: options.includes('k') ? k : null,
        ...(options.includes('q') && { q: [0.5, 0.9, 0.0625, 0.9999][k - 1] }),
        ...(options.includes('error') && { error: [0.01, 0.05, 0.2, 0.5][pick % 4] }),
        value_type,
        enum_values: value_type === 'string' && column === 'kind' ? ['a', 'b', 'c'] : null,
      };
    });

/** How much a state remembers of events that may be retracted: all of a stream here, or hardly anything. */
const REMEMBERED = [
  { horizon_ms: 400 * DAY, cap: 4096 },
  { horizon_ms: 400 * DAY, cap: 4096 },
  { horizon_ms: DAY, cap: 2 },
];

/** Up to eight aggregates and a ratio, a difference and a comparison over the first of them. */
/** @param fieldsOf what an aggregation may be drawn over. @default - whatever it takes */
export const viewWith = (ops: readonly AggregationOp[], fieldsOf?: typeof fieldsFor): fc.Arbitrary<FeatureViewIR> =>
  viewOf(aggregateOf(ops, fieldsOf));
export const view = viewWith(AGGREGATION_OPS);

/** Whatever is retracted, these are corrected at once. */
export const reversibleView: fc.Arbitrary<FeatureViewIR> = viewWith(['count', 'sum', 'mean', 'variance']);

function viewOf(of: ReturnType<typeof aggregateOf>): fc.Arbitrary<FeatureViewIR> {
  return fc
    .tuple(fc.array(of, { minLength: 2, maxLength: 8 }), fc.constantFrom(...REMEMBERED))
    .map(([specs, memory]) => {
      const features: FeatureIR[] = specs.map((spec, i) => ({ ...spec, name: `f${i}` }));
      const scalars = features.filter(({ value_type }) => ['int', 'float', 'bool', 'string'].includes(value_type));
      const [left, right] = [scalars[0]?.name, scalars.at(-1)?.name];
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
          expr: { op, left: left ? ref(left) : ONE, right: right ? ref(right) : ONE },
        });
      }
      const rules = retractionRules(features, contracts);
      const body: ViewBody = {
        name: 'random',
        entity: 'thing',
        features,
        dedupe: { horizon_ms: 400 * DAY, cap: 4096 },
        retractions: rules.length > 0 ? { ...memory, rules } : null,
        retention_ms: null,
      };
      const definition_hash = hashOf(body, contracts);
      return withPlan({ ...body, definition_hash, version: versionOf('random', definition_hash) });
    });
}

const ONE = { op: 'const', value: 1 } as const;

/** Times that meet the edges: multiples of 5 min, 1 h and 1 d, a ms beside them, and anything between. */
const time = fc
  .tuple(fc.integer({ min: 0, max: 100 * 288 }), fc.constantFrom(0, 0, 1, -1, 12_345))
  .map(([slot, offset]) => EPOCH + slot * 5 * MINUTE + offset);

const fact = fc.record({
  event_type: fc.constantFrom('buy', 'buy', ...EVENT_TYPES),
  /** For a refund: which of the stream's facts it takes back. */
  target: fc.nat({ max: 45 }),
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
    properties: {
      amount: f.amount,
      kind: f.kind,
      flag: f.flag,
      note: f.note,
      ...(f.event_type === 'refund' ? { buy_id: `e${f.target}` } : {}),
    },
    available_at,
    shard_id: copy === 1 ? 'shard-b' : f.shard,
    sequence_number: `${10n ** 20n + BigInt(position)}`,
  }));
});

export function newestArrival(events: readonly CanonicalEvent[]): number {
  return Math.max(EPOCH, ...events.map((event) => event.available_at));
}
