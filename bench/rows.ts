/** What a benchmark says: rows with a goal, beside what they are compared with. */

export interface Goal {
  readonly kind: 'at least' | 'at most' | 'exactly';
  readonly value: number;
}

/** One line of the result; `npm run bench -- --json FILE` writes these. */
export interface Row {
  readonly name: string;
  /** The median where it was measured several times; the lowest and highest stand in `beside`. */
  readonly value: number;
  readonly unit: string;
  /** The figure aimed at; null: shown for information. */
  readonly goal: number | null;
  /** Null where there is no goal. A goal that is not met never fails the run. */
  readonly met: boolean | null;
  /** What was measured in the same run for comparison, in the row's unit unless its name says another. */
  readonly beside: Readonly<Record<string, number>>;
}

export const atLeast = (value: number): Goal => ({ kind: 'at least', value });
export const atMost = (value: number): Goal => ({ kind: 'at most', value });
export const exactly = (value: number): Goal => ({ kind: 'exactly', value });

/** @throws Error when a figure is no finite number: a benchmark that measured nothing must not look like one that did */
export function row(
  name: string,
  value: number,
  unit: string,
  goal: Goal | null = null,
  beside: Readonly<Record<string, number>> = {},
): Row {
  for (const [what, figure] of [['value', value], ...Object.entries(beside)] as const) {
    if (!Number.isFinite(figure)) throw new Error(`${name}, ${what}: found ${figure}; allowed: a finite number`);
  }
  return { name, value, unit, goal: goal?.value ?? null, met: goal ? meets(goal, value) : null, beside };
}

function meets({ kind, value: goal }: Goal, value: number): boolean {
  if (kind === 'at least') return value >= goal;
  return kind === 'at most' ? value <= goal : value === goal;
}

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** @param samples at least one; of an even number, the median is the mean of the two in the middle. */
export function spreadOf(samples: readonly number[]): Spread {
  if (samples.length === 0) throw new Error('samples: found none; allowed: one or more');
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, low: sorted[0]!, high: sorted.at(-1)! };
}

/** Whole numbers with thousands separators, others with three significant digits. */
export function figure(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}
