/**
 * The executable specification: feature values straight from raw events, one obvious pass per feature, no tiles.
 * Slow on purpose; the stream engine and Spark are tested against it.
 */
import { comparePicks } from './aggregates/picks.ts';
import type { AggregationOp } from './aggregates/table.ts';
import type { AggregateFeatureIR, CanonicalEvent, FeatureValue, FeatureViewIR, RetractionsIR } from './ir/document.ts';
import { compareSequence } from './state/state.ts';
import { evaluate } from './values/expr.ts';
import { matches } from './values/predicate.ts';
import { ratio } from './values/ratio.ts';
import { compareCodePoints } from './values/text.ts';
import { floorTo, windowStart } from './values/time.ts';

/** What may be known: events with available_at < this; `latest` lifts the cut-off; a watermark fixes the positions. */
export type Knowledge = number | 'latest' | { readonly watermarks: Readonly<Record<string, string>> };

/** @param events of one entity. @param knowledge default: `t`, so that nothing counts that was not known yet. */
export function oracle(
  view: FeatureViewIR,
  events: readonly CanonicalEvent[],
  t: number,
  knowledge: Knowledge = t,
): FeatureValue[] {
  const copies = earliestCopies(events.filter((event) => known(event, knowledge)));
  const facts = withoutRetracted(
    copies.filter((event) => event.event_time < t),
    view.retractions,
  );
  const values: Record<string, FeatureValue> = {};
  return view.features.map((feature) => {
    const value =
      feature.kind === 'derived'
        ? evaluate(feature.expr, (name) => values[name] ?? null)
        : aggregate(feature, facts, t);
    values[feature.name] = value;
    return value;
  });
}

function known(event: CanonicalEvent, knowledge: Knowledge): boolean {
  if (knowledge === 'latest') return true;
  if (typeof knowledge === 'number') return event.available_at < knowledge;
  const mark = knowledge.watermarks[event.shard_id];
  return mark !== undefined && compareSequence(event.sequence_number, mark) <= 0;
}

function earliestCopies(events: readonly CanonicalEvent[]): CanonicalEvent[] {
  const first = new Map<string, CanonicalEvent>();
  for (const event of events) {
    const other = first.get(event.event_id);
    if (!other || event.available_at < other.available_at) first.set(event.event_id, event);
  }
  return [...first.values()];
}

/** Whichever came first, the event or what retracts it. */
function withoutRetracted(facts: readonly CanonicalEvent[], retractions: RetractionsIR | null): CanonicalEvent[] {
  const retracted = new Set<string>();
  for (const event of facts) {
    for (const rule of retractions?.rules ?? []) {
      const target = event.event_type === rule.event_type ? event.properties[rule.field] : null;
      if (typeof target === 'string') retracted.add(`${rule.of}\n${target}`);
    }
  }
  return facts.filter((event) => !retracted.has(`${event.event_type}\n${event.event_id}`));
}

function aggregate(feature: AggregateFeatureIR, facts: readonly CanonicalEvent[], t: number): FeatureValue {
  const { window_ms, offset_ms, hop_ms } = feature;
  const from = window_ms === null ? 0 : windowStart(t, offset_ms + window_ms, hop_ms!);
  const until = offset_ms === 0 ? t : floorTo(t - offset_ms, hop_ms!);
  const rows = facts
    .filter((event) => event.event_type === feature.event_type)
    .filter((event) => event.event_time >= from && event.event_time < until)
    .filter((event) => matches(feature.where, event.properties))
    .map((event) => ({ ...event, value: feature.field === null ? true : (event.properties[feature.field] ?? null) }))
    .filter((row) => row.value !== null)
    .map((row) => ({ ...row, value: row.value as string | number | boolean }))
    .sort(comparePicks);
  const numbers = rows.map((row) => Number(row.value));
  // The document was checked: none is left out below.
  const op = feature.op as AggregationOp;
  if (op === 'count') return rows.length;
  if (op === 'count_distinct') return new Set(rows.map((row) => row.value)).size;
  if (rows.length === 0) return null;
  switch (op) {
    case 'sum':
      return exactSum(numbers);
    case 'mean': {
      const total = exactSum(numbers);
      return total === null ? null : total / rows.length;
    }
    case 'variance':
      return varianceOf(numbers.map(BigInt));
    case 'stddev':
      return Math.sqrt(varianceOf(numbers.map(BigInt)));
    case 'stddev_sample':
      return rows.length < 2 ? null : Math.sqrt(varianceOf(numbers.map(BigInt), rows.length - 1));
    case 'quantile':
      return bucketMiddle(numbers.sort((a, b) => a - b)[rankOf(feature.q!, rows.length) - 1]!, feature.error!);
    case 'min':
      return least(rows, 1);
    case 'max':
      return least(rows, -1);
    case 'first':
      return rows[0]!.value;
    case 'last':
      return rows.at(-1)!.value;
    case 'first_k':
      return rows.slice(0, feature.k!).map((row) => row.value);
    case 'last_k':
      return rows
        .slice(-feature.k!)
        .map((row) => row.value)
        .reverse();
    case 'top_k':
      return numbers.sort((a, b) => b - a).slice(0, feature.k!);
    case 'bottom_k':
      return numbers.sort((a, b) => a - b).slice(0, feature.k!);
    case 'histogram':
      return histogram(feature, rows);
    case 'time_since_last':
      return t - rows.at(-1)!.event_time;
    case 'time_since_first':
      return t - rows[0]!.event_time;
  }
}

/** Null beyond ±(2^53 − 1): what can't be told exactly is not told. */
function exactSum(values: readonly number[]): number | null {
  const total = Number(values.reduce((sum, value) => sum + BigInt(value), 0n));
  return Number.isSafeInteger(total) ? total : null;
}

/** Exact however large: what the engines keep of squares lasts for 2^20 events of the largest value (core/aggregates/variance.ts). */
function varianceOf(values: readonly bigint[], divisor = values.length): number {
  const add = (a: bigint, b: bigint) => a + b;
  const n = BigInt(values.length);
  const total = values.reduce(add, 0n);
  return ratio(n * values.map((v) => v * v).reduce(add, 0n) - total * total, n * BigInt(divisor));
}

/** The smallest place that at least a share `q` of the values does not exceed. */
function rankOf(q: number, n: number): number {
  let rank = 1;
  while (BigInt(rank) * 10_000n < BigInt(Math.round(q * 10_000)) * BigInt(n)) rank++;
  return rank;
}

/** The middle of the widest bucket, of a power of two's 2^bits equal ones, whose middle is within the error of its ends. */
function bucketMiddle(value: number, error: number): number {
  const bits = Math.ceil(Math.log2(1 / error) - 1e-12) - 1;
  const digits = BigInt(Math.abs(value)).toString(2);
  const width = 1n << BigInt(Math.max(0, digits.length - 1 - Math.max(0, bits)));
  const low = (BigInt(Math.abs(value)) / width) * width;
  return Math.sign(value) * Number(low + (width - 1n) / 2n);
}

/** The least value, with `sign` -1 the greatest; of texts by code point. */
function least(rows: readonly Row[], sign: 1 | -1): FeatureValue {
  const values = rows.map(({ value }) => value);
  if (values.every((value) => typeof value === 'string'))
    return values.sort((a, b) => sign * compareCodePoints(a, b))[0]!;
  return values.map(Number).sort((a, b) => sign * (a - b))[0]!;
}

interface Row {
  readonly event_time: number;
  readonly value: string | number | boolean;
}

/** Null where one hop of time alone has more different values than the cap. */
function histogram(feature: AggregateFeatureIR, rows: readonly Row[]): FeatureValue {
  const perTile = new Map<number, Set<unknown>>();
  const counts = new Map<string, number>();
  for (const { event_time, value } of rows) {
    const tile = feature.hop_ms === null ? 0 : floorTo(event_time, feature.hop_ms);
    perTile.set(tile, (perTile.get(tile) ?? new Set()).add(value));
    counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
  }
  if ([...perTile.values()].some((values) => values.size > feature.cap!)) return null;
  return [...counts].sort(([a, m], [b, n]) => n - m || compareCodePoints(a, b)).slice(0, feature.k!);
}
