/**
 * The binary64 nearest to numerator / denominator, ties to even: what Python's `int / int` gives.
 * @param denominator above 0
 */
export function ratio(numerator: bigint, denominator: bigint): number {
  const magnitude = numerator < 0n ? -numerator : numerator;
  if (magnitude <= MAX && denominator <= MAX) return Number(numerator) / Number(denominator);
  // A quotient of 66 bits or more, its last bit "sticky" for all that follow, rounds like the infinite one.
  const shift = 66 - (bits(magnitude) - bits(denominator));
  const up = shift > 0 ? BigInt(shift) : 0n;
  const down = shift < 0 ? BigInt(-shift) : 0n;
  const divisor = denominator << down;
  const dividend = magnitude << up;
  const quotient = dividend / divisor;
  const rounded = Number(dividend % divisor === 0n ? quotient : quotient | 1n);
  return (numerator < 0n ? -rounded : rounded) * 2 ** -shift;
}

const MAX = BigInt(Number.MAX_SAFE_INTEGER);

function bits(value: bigint): number {
  return value.toString(2).length;
}
