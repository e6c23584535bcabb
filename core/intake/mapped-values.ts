/** Single values of a map: read as other systems write them, and written as a contract reads them. */
import type { Scalar } from '../ir/document.ts';
import { typeName } from '../ir/errors.ts';
import { Rejection } from '../ir/rejection.ts';
import type { TimestampFormat } from '../values/time.ts';

const DECIMAL = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?$/;

/**
 * A decimal with its point `places` to the left (to the right where negative), as text and exactly: minor units become units.
 * Missing and null stay so. @throws Rejection for what is no plain decimal: exponents, too, since no source of money writes them
 */
export function shifted(value: unknown, places: number, name: string): unknown {
  if (value === undefined || value === null) return value;
  const match = typeof value === 'string' || typeof value === 'number' ? DECIMAL.exec(String(value)) : null;
  if (!match)
    throw new Rejection('INVALID_FIELD', `properties.${name}: found ${typeName(value)}; allowed: a plain decimal`);
  const [, sign, whole = '', fraction = ''] = match;
  return `${sign}${moved(whole, fraction, places)}`;
}

function moved(whole: string, fraction: string, places: number): string {
  const padded = places < 0 ? fraction.padEnd(-places, '0') : fraction;
  const all = places < 0 ? whole + padded.slice(0, -places) : whole.padStart(places + 1, '0');
  const decimals = places < 0 ? padded.slice(-places) : all.slice(all.length - places) + fraction;
  const units = (places < 0 ? all : all.slice(0, all.length - places)).replace(/^0+(?=\d)/, '');
  return decimals === '' ? units : `${units}.${decimals}`;
}

const BOOLS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [1, true],
  [0, false],
  ...['true', 't', 'yes', 'y', '1'].map((text) => [text, true] as const),
  ...['false', 'f', 'no', 'n', '0'].map((text) => [text, false] as const),
]);

/** true and false as files and databases write them (`true`, `t`, `yes`, `y`, `1`, in any case of ASCII); else the value itself. */
export function boolOf(value: unknown): unknown {
  const found = typeof value === 'string' ? value.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : value;
  return BOOLS.get(found) ?? value;
}

/**
 * A canonical value as a contract's field reads it: an instant in a format, a decimal by its scale, all else as it is.
 * @param value of an instant ms UTC, of a decimal units of 10^-scale
 */
export function writtenAs(format: TimestampFormat | number | null, value: Scalar): Scalar {
  if (format === null || typeof value !== 'number') return value;
  if (typeof format === 'number') return decimalText(value, format);
  if (format === 'iso8601') return new Date(value).toISOString();
  return format === 'epoch_ms' ? value : decimalText(value, 3);
}

function decimalText(units: number, scale: number): string {
  const digits = String(Math.abs(units)).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${units < 0 ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`;
}
