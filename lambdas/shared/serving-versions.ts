/** Which of the view's versions answers, while a changed one is on its way. */
import { type Endpoint, ScoreRefusedError, type StateStore } from './ports.ts';
import type { LoadedUseCase } from './usecase.ts';

export interface ServingVersion {
  readonly usecase: LoadedUseCase;
  readonly states: StateStore;
  /** Asks the model by this version's definition hash. */
  readonly endpoint: Endpoint;
}

/** Soon enough after a model of the newest version is there, and seldom enough to ask for it in vain. */
const REMEMBERED_MS = 60_000;

/**
 * A version may be served once its fence is up, and scored if the model was trained for it. A changed view has its fence
 * long before it has a model, so scores may come from an older version than features.
 */
export class ServingVersions {
  /** The newest first. */
  readonly versions: readonly ServingVersion[];
  private readonly now: () => number;
  private accepted: { readonly version: ServingVersion; readonly until: number } | null = null;

  /** @param versions the newest first, at least one. @param now ms UTC */
  constructor(versions: readonly ServingVersion[], now: () => number) {
    this.versions = versions;
    this.now = now;
  }

  /** The newest version whose fence is up. @throws ScoreRefusedError when there is none */
  async ready(): Promise<ServingVersion> {
    for (const version of this.versions) if (await version.states.ready()) return version;
    throw new ScoreRefusedError('fence: found none; run the job that backfills this view');
  }

  /**
   * Lets the newest version score whose fence is up and that the model accepts; for a minute it is the first to be asked.
   *
   * @param ask scores by one version; what it does before the model has accepted may be done again by another version. Not
   *   to ask the model is an answer too: it counts when no version's question was accepted.
   * @throws ScoreRefusedError when no fence is up, or the model refuses all that was asked
   */
  async scoring<T>(ask: (version: ServingVersion) => Promise<T>): Promise<T> {
    const refusals: ScoreRefusedError[] = [];
    const unasked: T[] = [];
    for (const version of await this.candidates()) {
      let asked = false;
      const endpoint: Endpoint = {
        score: async (instances) => {
          asked = true;
          const answer = await version.endpoint.score(instances);
          this.remember(version);
          return answer;
        },
      };
      try {
        const answer = await ask({ ...version, endpoint });
        // One model accepts one definition: where this version was accepted lately, another would be refused.
        if (asked || this.remembered() === version) return answer;
        unasked.push(answer);
      } catch (error) {
        if (!(error instanceof ScoreRefusedError) || error.kind !== 'mismatch') throw error;
        if (this.accepted?.version === version) this.accepted = null;
        refusals.push(error);
      }
    }
    if (unasked.length > 0) return unasked[0]!;
    throw refusals[0]!;
  }

  private async candidates(): Promise<ServingVersion[]> {
    const newest = await this.ready();
    const rest = this.versions.slice(this.versions.indexOf(newest) + 1);
    const ready = [newest];
    for (const version of rest) if (await version.states.ready()) ready.push(version);
    const first = this.remembered();
    return first === null ? ready : [first, ...ready.filter((version) => version !== first)];
  }

  private remembered(): ServingVersion | null {
    return this.accepted !== null && this.now() < this.accepted.until ? this.accepted.version : null;
  }

  /** From the first answer on, not the last: under steady traffic the newest version would never be asked again. */
  private remember(version: ServingVersion): void {
    if (this.remembered() !== version) this.accepted = { version, until: this.now() + REMEMBERED_MS };
  }
}
