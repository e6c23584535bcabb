/** Virtual time: whoever waits is woken in the order of time, and nothing else ever waits. */

interface Timer {
  readonly at: number;
  /** Null once it is cancelled or fired. */
  wake: (() => void) | null;
}

export interface Alarm {
  readonly rung: Promise<void>;
  cancel(): void;
}

export class Scheduler {
  /** ms since the start. */
  now = 0;
  /** Ascending by time; who came first goes first. */
  private readonly timers: Timer[] = [];
  private waiting: (() => void)[] = [];

  sleep(ms: number): Promise<void> {
    return this.alarm(ms).rung;
  }

  alarm(ms: number): Alarm {
    let timer: Timer | null = null;
    const rung = new Promise<void>((resolve) => {
      timer = { at: this.now + ms, wake: resolve };
      let place = this.timers.length;
      while (place > 0 && this.timers[place - 1]!.at > timer.at) place--;
      this.timers.splice(place, 0, timer);
    });
    return {
      rung,
      cancel: () => {
        timer!.wake = null;
      },
    };
  }

  /** Until somebody calls `changed`. */
  change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  changed(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const wake of woken) wake();
  }

  /**
   * Lets time pass until `done`, looked at after every step.
   * @returns `late` when virtual time passed `until`, `idle` when nobody waits for time any more
   */
  async run(done: () => boolean, until: number): Promise<'done' | 'idle' | 'late'> {
    await settled();
    while (!done()) {
      const timer = this.timers.shift();
      if (!timer) return 'idle';
      if (timer.wake === null) continue;
      if (timer.at > until) {
        this.timers.unshift(timer);
        return 'late';
      }
      this.now = timer.at;
      timer.wake();
      await settled();
    }
    return 'done';
  }
}

/** When all that can run without waiting for time has run: promises settle before the event loop goes on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
