import { endChildren } from '../children.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm and the terminal may both pass one Ctrl-C on: what follows within this time is the same one. */
const SAME_MS = 1_000;

export interface Interruption {
  /** Aborted by the first Ctrl-C (or SIGTERM); the reason is an AbortError. */
  readonly signal: AbortSignal;
  /** Resolves at the first Ctrl-C. */
  readonly requested: Promise<void>;
  /** Takes the handlers away again. */
  release(): void;
}

/** Turns the first interrupt into an orderly stop; a second one, a second later, ends the process at once. */
export function interruption(): Interruption {
  const controller = new AbortController();
  let first = 0;
  let resolve = () => {};
  const requested = new Promise<void>((done) => {
    resolve = done;
  });
  const handler = () => {
    if (first === 0) {
      first = Date.now();
      process.stderr.write('\nStopping …\n');
      controller.abort(new DOMException('interrupted', 'AbortError'));
      resolve();
    } else if (Date.now() - first > SAME_MS) {
      void endChildren().finally(() => process.exit(130));
    }
  };
  for (const signal of SIGNALS) process.on(signal, handler);
  return {
    signal: controller.signal,
    requested,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, handler);
    },
  };
}

/** Does `work` so that an interrupt stops it in order. */
export async function interruptible<T>(work: (stop: Interruption) => Promise<T>): Promise<T> {
  const stop = interruption();
  try {
    return await work(stop);
  } finally {
    stop.release();
  }
}
