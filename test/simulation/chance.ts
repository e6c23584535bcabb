import { randomFrom } from '../../bench/random.ts';

/** All randomness of one seed. The same calls in the same order draw the same. */
export class Chance {
  readonly seed: number;
  private readonly next: () => number;

  constructor(seed: number) {
    this.seed = seed;
    this.next = randomFrom(seed);
  }

  /** In [0, 1). */
  float(): number {
    return this.next();
  }

  /** In 0 … below - 1. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** In low … high, both included. */
  between(low: number, high: number): number {
    return low + this.int(high - low + 1);
  }

  of(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(from.length)]!;
  }

  /** A new array in another order (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }

  /** A stream of its own, so that drawing more in one place changes nothing in another. */
  fork(name: number): Chance {
    return new Chance(Math.imul(this.seed + 1, 0x9e3779b1) ^ Math.imul(name + 1, 0x85ebca6b));
  }
}
