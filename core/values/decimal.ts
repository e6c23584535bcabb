/**
 * Decimals as integers of 10^-scale, rounded half to even from their text, never through a binary float.
 * The same rule stands in glue-scripts/tidemark_spark/engine/values/decimals.py; test/conformance/contracts.json holds both to it.
 */
import type { RejectionReason } from '../ir/rejection.ts';

export const MAX_EXACT = Number.MAX_SAFE_INTEGER;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;
const MAX_TEXT = 400;
/** A JSON number went through a binary float before we see it; up to 15 digits its text is the one that was sent. */
export const MAX_NUMBER_DIGITS = 15;

export type Parsed = { readonly value: number } | { readonly error: RejectionReason; readonly detail: string };

/**
 * @param input a JSON string (exact text) or number (its shortest round-trip text). @param scale 0..9.
 * @param rounding `down` cuts toward the smaller number what is finer than the scale, and takes numbers of any length: what
 * a binary float adds to a time lies far below that
 */
export function parseDecimal(input: unknown, scale: number, rounding: 'half_even' | 'down' = 'half_even'): Parsed {
  const plain = typeof input === 'string' ? plainDecimal(input, scale) : Number.NaN;
  if (!Number.isNaN(plain)) return { value: plain };
  const text = typeof input === 'number' ? String(input) : input;
  const match = typeof text === 'string' && text.length <= MAX_TEXT ? DECIMAL.exec(text) : null;
  if (!match)
    return { error: 'INVALID_FIELD', detail: `found ${typeof input} that is not a decimal; allowed: decimal text` };
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+(?=\d)/, '');
  if (rounding === 'half_even' && typeof input === 'number' && digits.replace(/0+$/, '').length > MAX_NUMBER_DIGITS) {
    return {
      error: 'INVALID_FIELD',
      detail: `found number of more than ${MAX_NUMBER_DIGITS} digits; allowed: the same as a string`,
    };
  }
  if (/^0+$/.test(digits)) return { value: 0 };
  const shift = Number(exponent) - fraction.length + scale;
  // More than 17 digits before the point can't fit into 2^53; stop before padding or cutting at huge exponents.
  if (digits.length + shift > 17) return overflow();
  const magnitude = shift >= 0 ? BigInt(digits + '0'.repeat(shift)) : shortened(digits, -shift, rounding, sign === '-');
  if (magnitude > BigInt(MAX_EXACT)) return overflow();
  const value = Number(magnitude);
  return { value: sign && value !== 0 ? -value : value };
}

/** Up to 15 digits that need no rounding, such as `31.90` at scale 2: most decimals. @returns NaN for any other text */
function plainDecimal(text: string, scale: number): number {
  const { length } = text;
  let value = 0;
  let point = -1;
  const first = text.charCodeAt(0) === 0x2d ? 1 : 0;
  if (length - first === 0 || length - first > 15) return Number.NaN;
  for (let i = first; i < length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
    else if (digit === -2 && point < 0 && i > first && i < length - 1) point = i;
    else return Number.NaN;
  }
  const decimals = point < 0 ? 0 : length - 1 - point;
  if (decimals > scale) return Number.NaN;
  for (let i = decimals; i < scale; i++) value *= 10;
  if (value > MAX_EXACT) return Number.NaN;
  return first === 1 && value !== 0 ? -value : value;
}

/** @param digits not all of them 0 */
function shortened(digits: string, cut: number, rounding: 'half_even' | 'down', negative: boolean): bigint {
  if (rounding === 'down') {
    const kept = BigInt(digits.slice(0, Math.max(0, digits.length - cut)) || '0');
    return negative && /[1-9]/.test(digits.slice(-cut)) ? kept + 1n : kept;
  }
  if (cut > digits.length) return 0n;
  const kept = digits.slice(0, digits.length - cut);
  const dropped = digits.slice(digits.length - cut);
  const base = BigInt(kept || '0');
  const half = `5${'0'.repeat(cut - 1)}`;
  if (dropped > half || (dropped === half && base % 2n === 1n)) return base + 1n;
  return base;
}

function overflow(): Parsed {
  return {
    error: 'DECIMAL_OVERFLOW',
    detail: 'found a decimal beyond 2^53 units; allowed: up to 9007199254740991 units',
  };
}
