/** The partitions of the online table, which give so many units a second and no more until they are split for heat. */
import type { Units } from '../../engine/memory/faults.ts';
import type { Chance } from './chance.ts';
import type { Ground } from './ground.ts';

/** Of reads and of writes; few, as a seed has few events. AWS: 3,000 and 1,000. */
const LIMITS = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 1, 3];
const BASE_MS = 100;

export class Partitions implements Units {
  private readonly world: Ground;
  /** Of its own: what it draws changes nothing else in a seed. */
  private readonly chance: Chance;
  private readonly limit: number;
  private second = 0;
  private readonly used = new Map<string, number>();

  constructor(world: Ground) {
    this.world = world;
    this.chance = world.chance.fork(3);
    this.limit = this.chance.pick(LIMITS);
  }

  take(kind: 'read' | 'write', partition: string): boolean {
    const second = Math.floor(this.world.time.now / 1000);
    if (second !== this.second) this.used.clear();
    this.second = second;
    const key = `${kind} ${partition}`;
    const used = (this.used.get(key) ?? 0) + 1;
    if (used > this.limit && !this.world.calm) {
      this.world.note('throttled partition');
      return false;
    }
    this.used.set(key, used);
    return true;
  }

  wait(attempt: number): Promise<void> {
    return this.world.time.sleep(1 + this.chance.int(BASE_MS * 2 ** attempt));
  }
}
