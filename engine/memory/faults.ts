/** What goes wrong between a function and its stores. */

/** `before`: fails and does nothing. `after`: does it, and the answer is lost. `crash`: this call and all later ones fail. */
export type Fault = 'none' | 'before' | 'after' | 'crash-before' | 'crash-after';

export type Call = 'read' | 'write' | 'put';

/** The units of a table's partitions, of which each has so many in a second. */
export interface Units {
  /** @returns false when the partition has none left */
  take(kind: 'read' | 'write', partition: string): boolean;
  /** Waits before a try is repeated. @param attempt from 0 */
  wait(attempt: number): Promise<void>;
}

const UNLIMITED: Units = { take: () => true, wait: () => Promise.resolve() };

/** A request found no unit in any partition that it asked. */
export class ThrottledError extends Error {
  override readonly name = 'ProvisionedThroughputExceededException';
}

/** As often as the SDK tries (lambdas/aws/patience.ts). */
const SDK_TRIES = 5;

/** One invocation's way to the stores: a crash ends it for good, as a time-out of the function does. */
export class Faults {
  private crashed = false;
  private readonly next: (call: Call) => Fault;
  private readonly way: () => Promise<void>;
  readonly units: Units;

  /** @param way how long a request or its answer takes. @param units @default - as many as anybody asks for */
  constructor(
    next: (call: Call) => Fault = () => 'none',
    way: () => Promise<void> = () => Promise.resolve(),
    units: Units = UNLIMITED,
  ) {
    this.next = next;
    this.way = way;
    this.units = units;
  }

  get ended(): boolean {
    return this.crashed;
  }

  /** Nothing is called any more; what is on its way still arrives, and nobody sees its answer. */
  end(): void {
    this.crashed = true;
  }

  async run<T>(call: Call, effect: () => T): Promise<T> {
    if (this.crashed) throw new Error('crashed');
    const fault = this.next(call);
    if (fault.startsWith('crash')) this.crashed = true;
    await this.way();
    if (fault.endsWith('before')) throw new Error(`fault: ${fault}`);
    const result = effect();
    await this.way();
    if (this.crashed || fault.endsWith('after')) throw new Error(`fault: ${fault}`);
    return result;
  }

  /** The same, and as the SDK repeats what was throttled. @param effect may throw ThrottledError */
  async patiently<T>(call: Call, effect: () => T): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.run(call, effect);
      } catch (error) {
        if (!(error instanceof ThrottledError) || attempt + 1 === SDK_TRIES) throw error;
        await this.units.wait(attempt);
      }
    }
  }
}
