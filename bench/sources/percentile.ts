/** Nearest rank. @param samples at least one. @param q 0 < q ≤ 1 @throws Error for none: nothing was measured */
export function percentile(samples: readonly number[], q: number): number {
  if (samples.length === 0) throw new Error('samples: found none; allowed: one or more');
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.ceil(q * sorted.length) - 1]!;
}
