/**
 * The executable specification: feature values straight from raw events, one obvious pass per feature, no tiles.
 * Slow on purpose; the stream engine and Spark are tested against it.
 */
import { evaluate } from './expr.ts';
import type { AggregateFeatureIR, CanonicalEvent, FeatureViewIR, Scalar } from './ir.ts';
import { comparePicks } from './partials.ts';
import { matches } from './predicate.ts';
import { compareSequence } from './state.ts';
import { windowStart } from './time.ts';

/** What may be known: events with available_at < this; `latest` lifts the cut-off; a watermark fixes the positions. */
export type Knowledge = number | 'latest' | { readonly watermarks: Readonly<Record<string, string>> };

/** @param knowledge default: `t`, so that nothing counts that was not known yet. */
export function oracle(
  view: FeatureViewIR,
  events: readonly CanonicalEvent[],
  t: number,
  knowledge: Knowledge = t,
): Scalar[] {
  const copies = earliestCopies(events.filter((event) => known(event, knowledge)));
  const facts = copies.filter((event) => event.event_time < t);
  const values: Record<string, Scalar> = {};
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

function aggregate(feature: AggregateFeatureIR, facts: readonly CanonicalEvent[], t: number): Scalar {
  const from = feature.window_ms === null ? 0 : windowStart(t, feature.window_ms, feature.hop_ms!);
  const rows = facts
    .filter((event) => event.event_type === feature.event_type && event.event_time >= from)
    .filter((event) => matches(feature.where, event.properties))
    .map((event) => ({ ...event, value: feature.field === null ? true : (event.properties[feature.field] ?? null) }))
    .filter((row) => row.value !== null)
    .map((row) => ({ ...row, value: row.value as string | number | boolean }))
    .sort(comparePicks);
  const numbers = rows.map((row) => Number(row.value));
  const total = numbers.reduce((sum, value) => sum + value, 0);
  if (feature.op === 'count') return rows.length;
  if (feature.op === 'count_distinct') return new Set(rows.map((row) => row.value)).size;
  if (rows.length === 0) return null;
  switch (feature.op) {
    case 'sum':
      return total;
    case 'mean':
      return total / rows.length;
    case 'min':
      return Math.min(...numbers);
    case 'max':
      return Math.max(...numbers);
    case 'first':
      return rows[0]!.value;
    case 'last':
      return rows.at(-1)!.value;
    case 'time_since_last':
      return t - rows.at(-1)!.event_time;
    case 'time_since_first':
      return t - rows[0]!.event_time;
  }
}
