/** Two shares of independent groups, and what lies between them. */

/** `hits` of `of`, both whole numbers. */
export interface Share {
  readonly hits: number;
  readonly of: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** 97.5 % point of the normal distribution: both ends together leave 5 %. */
const Z = 1.959963984540054;

/** 95 % score interval of a share (Wilson, JASA 1927). @param share of at least one */
export function wilson({ hits, of }: Share): Interval {
  const p = hits / of;
  const scale = 1 + (Z * Z) / of;
  const middle = (p + (Z * Z) / (2 * of)) / scale;
  const half = (Z / scale) * Math.sqrt((p * (1 - p)) / of + (Z * Z) / (4 * of * of));
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/**
 * 95 % interval of `a − b` by their score intervals (Newcombe, Statistics in Medicine 1998, method 10): right also where a
 * group is small or a share is 0. It is for one look at a time that was set before; who looks every week and stops when they
 * like what they see is wrong more often than in 5 %.
 * @returns null where a group is empty
 */
export function difference(a: Share, b: Share): (Interval & { readonly by: number }) | null {
  if (a.of === 0 || b.of === 0) return null;
  const [p, q] = [a.hits / a.of, b.hits / b.of];
  const [ofA, ofB] = [wilson(a), wilson(b)];
  return {
    by: p - q,
    low: p - q - Math.hypot(p - ofA.low, ofB.high - q),
    high: p - q + Math.hypot(ofA.high - p, q - ofB.low),
  };
}
