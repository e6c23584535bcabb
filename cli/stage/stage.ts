import { Progress } from '../../setup/progress.mjs';
import type { Connection } from './connection.ts';
import { type Interruption, interruption } from './interruption.ts';
import type { Watch } from './jobs.ts';
import { deployed, type Resources, type Target } from './resources.ts';

type Deployed = Connection & { readonly resources: Resources };

/** A deployment that a command works on. */
export class OpenStage {
  readonly target: Target;
  readonly clients: Connection['clients'];
  readonly env: Connection['env'];
  readonly resources: Resources;
  readonly progress: Progress;
  #held: Interruption | undefined;

  constructor(target: Target, { clients, env, resources }: Deployed, progress: Progress) {
    this.target = target;
    this.clients = clients;
    this.env = env;
    this.resources = resources;
    this.progress = progress;
  }

  /** From the first call on Ctrl-C stops in order. Before, while a command only looks or asks, it ends the process at once. */
  hold(): Interruption {
    this.#held ??= interruption();
    return this.#held;
  }

  /** A step of the work: told by `progress`, and stopped in order by Ctrl-C. @param summary what is told at its end */
  step<T>(title: string, work: (watch: Required<Watch>) => Promise<T>, summary?: (result: T) => string): Promise<T> {
    const { signal } = this.hold();
    signal.throwIfAborted();
    return this.progress.step(title, ({ update }) => work({ signal, onState: update }), summary);
  }

  release(): void {
    this.#held?.release();
  }
}

/**
 * Connects to a stage, finds what is deployed there, and gives it to `work`; however that ends, Ctrl-C is the system's again.
 *
 * @param out where progress is told. @default - standard output
 * @throws CliError when there is no such deployment, and what `work` throws
 */
export async function withStage<T>(
  target: Target,
  work: (stage: OpenStage) => Promise<T>,
  out?: NodeJS.WriteStream,
): Promise<T> {
  const stage = new OpenStage(target, await deployed(target), new Progress(out));
  try {
    return await work(stage);
  } finally {
    stage.release();
  }
}
