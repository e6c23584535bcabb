/**
 * Passes that take a second or so each, side by side: every round runs each of them once, in turn, so that what else the
 * machine does in the meantime falls on all alike. Short functions are measured by tinybench instead (bench/read).
 */
import { type Spread, spreadOf } from './rows.ts';

export interface Pass {
  readonly name: string;
  /** Not measured: what the pass starts from. */
  readonly prepare?: () => void;
  readonly run: () => void | Promise<void>;
}

/** @param rounds measured ones; one more before them warms the code up. @returns seconds of each pass, by its name */
export async function sideBySide(
  passes: readonly Pass[],
  rounds: number,
  say: (text: string) => void,
): Promise<ReadonlyMap<string, Spread>> {
  const seconds = new Map<string, number[]>(passes.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const pass of passes) {
      say(`${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}: ${pass.name}`);
      pass.prepare?.();
      globalThis.gc?.();
      const from = performance.now();
      await pass.run();
      if (round > 0) seconds.get(pass.name)!.push((performance.now() - from) / 1000);
    }
  }
  return new Map([...seconds].map(([name, samples]) => [name, spreadOf(samples)]));
}

/** Things a second, from how long a pass over `n` of them took. */
export function rateOf(n: number, took: Spread): Spread {
  return { median: n / took.median, low: n / took.high, high: n / took.low };
}
