/** calibration.json of a model: from log-odds to a probability, as model/calibration.py applies it. */
import { z } from 'zod';

const number = z.number();
export const calibrationSchema = z.discriminatedUnion('method', [
  z.object({ method: z.literal('platt'), intercept: number, slope: number }),
  z.object({ method: z.literal('isotonic'), x: z.array(number).min(1), y: z.array(number.min(0).max(1)).min(1) }),
]);
export type Calibration = z.infer<typeof calibrationSchema>;

/**
 * Platt: the logistic function of a line. Isotonic: linear between the knots, level outside of them (numpy.interp).
 * @param margin log-odds. @returns a probability
 */
export function calibrated(calibration: Calibration, margin: number): number {
  if (calibration.method === 'platt') return sigmoid(calibration.intercept + calibration.slope * margin);
  return interpolated(calibration.x, calibration.y, margin);
}

/** 1 / (1 + e^-z) without overflow. */
function sigmoid(z: number): number {
  const e = Math.exp(-Math.abs(z));
  return z >= 0 ? 1 / (1 + e) : e / (1 + e);
}

function interpolated(x: readonly number[], y: readonly number[], at: number): number {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! <= at) low = middle + 1;
    else high = middle;
  }
  // The last knot at or below.
  const i = low - 1;
  if (i < 0) return y[0]!;
  if (i >= x.length - 1) return y.at(-1)!;
  return y[i]! + ((y[i + 1]! - y[i]!) / (x[i + 1]! - x[i]!)) * (at - x[i]!);
}
