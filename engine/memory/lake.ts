import type { JsonLinesSink } from '../ports.ts';
import { Faults } from './faults.ts';

/** Objects by key: putting a key again replaces it, as in S3. */
export class MemoryLake {
  readonly objects = new Map<string, readonly object[]>();

  port(faults = new Faults()): JsonLinesSink {
    return { put: (key, lines) => faults.run('put', () => void this.objects.set(key, lines)) };
  }
}
