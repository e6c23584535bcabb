import { type CappedSpec, declare, type KSpec, type Textual } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { VARINT } from '../values/byte-sizes.ts';
import { compareCodePoints } from '../values/text.ts';
import { type Aggregation, INEXACT, type PartialType, TEXTS } from './aggregation.ts';

/** How often each value came; null: more values than the cap, so that a largest one can't be told. */
export interface Histogram {
  readonly counts: ReadonlyMap<string, number> | null;
}

const OVERFLOW: Histogram = { counts: null };

/** Of all tiles of a window, with no cap. */
function unite(a: Histogram, b: Histogram): Histogram {
  if (a.counts === null || b.counts === null) return OVERFLOW;
  const counts = new Map(a.counts);
  for (const [value, n] of b.counts) counts.set(value, (counts.get(value) ?? 0) + n);
  return { counts };
}

/** Bytes: byte 0, varint n, n times text value and varint count, values by code point; or byte 1: overflow. */
const counts: PartialType<Histogram> = {
  kind: 'histogram',
  make: ({ cap }) => {
    const capped = (cell: Histogram) => (cell.counts !== null && cell.counts.size > cap! ? OVERFLOW : cell);
    return {
      add: (cell, value) => capped(unite(cell ?? { counts: new Map() }, { counts: new Map([[String(value), 1]]) })),
      merge: (a, b) => capped(unite(a, b)),
      remove: (cell, value) => {
        const n = cell.counts?.get(String(value));
        if (!cell.counts || n === undefined) return INEXACT;
        const left = new Map(cell.counts);
        if (n === 1) left.delete(String(value));
        else left.set(String(value), n - 1);
        return left.size > 0 ? { counts: left } : null;
      },
      write: (out, { counts }) => {
        out.byte(counts === null ? 1 : 0);
        if (counts === null) return;
        out.varint(counts.size);
        for (const [value, n] of [...counts].sort(([a], [b]) => compareCodePoints(a, b))) {
          out.text(value);
          out.varint(n);
        }
      },
      read: (from) => {
        if (from.byte() === 1) return OVERFLOW;
        return { counts: new Map(Array.from({ length: from.varint() }, () => [from.text(), from.varint()])) };
      },
    };
  },
  largest: ({ cap }, { text }) => 1 + VARINT + cap! * (text + VARINT + VARINT),
};

/** The `k` largest as [value, count], largest first, ties by code point; null on overflow. */
function largest({ counts }: Histogram, k: number): [string, number][] | null {
  if (counts === null) return null;
  return [...counts].sort(([a, m], [b, n]) => n - m || compareCodePoints(a, b)).slice(0, k);
}

export const HISTOGRAM: Aggregation<Histogram> = {
  op: 'histogram',
  partial: counts,
  field: TEXTS,
  options: ['cap', 'k'],
  valueType: () => 'histogram',
  window: unite,
  finalise: (cell, { k }) => largest(cell, k!),
};

/** The `k` most frequent values as [value, count] pairs, most frequent first, ties by code point; null above `cap`. */
export const histogram = <E extends string>(
  spec: CappedSpec<E, Textual> & KSpec<E, Textual>,
): AggregateFeature<'histogram'> => declare(HISTOGRAM, spec);
