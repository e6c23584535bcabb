/** Which of the view's versions answers, while a changed one is on its way. */
import { type Endpoint, type EndpointAnswer, ScoreRefusedError, type StateStore } from '../ports.ts';
import type { LoadedUseCase } from '../use-case.ts';

export interface ServingVersion {
  readonly usecase: LoadedUseCase;
  readonly states: StateStore;
  /** Asks the model by this version's definition hash. */
  readonly endpoint: Endpoint;
}

/** Soon enough after a model of the newest version is there, and seldom enough to ask for it in vain. */
const REMEMBERED_MS = 60_000;
/**
 * How often a version asks that is refused by one fleet while another is there for it. Two versions that both ask stay refused
 * with probability (p(1-p))^10, p being one fleet's share of the requests: once in a million where it is half.
 */
const TRIES = 10;

/** What came of one version's turn. */
type Turn<T> = { readonly answer: T; readonly asked: boolean } | { readonly refused: ScoreRefusedError };

/**
 * A version may be served once its fence is up, and scored if the model was trained for it. A changed view has its fence
 * long before it has a model, so scores may come from an older version than features. While a canary lasts the models of
 * both answer, now this one, now that one.
 */
export class ServingVersions {
  /** The newest first. */
  readonly versions: readonly ServingVersion[];
  private readonly now: () => number;
  private accepted: { readonly version: ServingVersion; readonly until: number } | null = null;
  /** Definition hash of a model that answered, by accepting it or by naming it in a refusal → until when it is believed. */
  private readonly models = new Map<string, number>();

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
   * @param ask scores by one version; what it does before the model has accepted may be done again by another version, or the
   *   same. Not to ask the model is an answer too: it counts when no version's question was accepted.
   * @throws ScoreRefusedError when no fence is up, or the model refuses all that was asked
   */
  async scoring<T>(ask: (version: ServingVersion) => Promise<T>): Promise<T> {
    const refused: { readonly version: ServingVersion; readonly error: ScoreRefusedError }[] = [];
    const unasked: T[] = [];
    for (const version of await this.candidates()) {
      const turn = await this.turn(version, ask);
      // One model accepts one definition: where this version was accepted lately, another would be refused.
      if ('refused' in turn) refused.push({ version, error: turn.refused });
      else if (turn.asked || this.remembered() === version) return turn.answer;
      else unasked.push(turn.answer);
    }
    // A later refusal may have named the definition of an earlier version: a canary, with a fleet for each.
    for (const { version, error } of refused) {
      if (error.trained_on === undefined || !this.served(version)) continue;
      const turn = await this.turn(version, ask);
      if ('answer' in turn) return turn.answer;
    }
    if (unasked.length > 0) return unasked[0]!;
    throw refused[0]!.error;
  }

  private async turn<T>(version: ServingVersion, ask: (version: ServingVersion) => Promise<T>): Promise<Turn<T>> {
    let asked = false;
    const endpoint: Endpoint = {
      score: async (instances) => {
        asked = true;
        const answer = await this.persistently(version, instances);
        this.remember(version);
        return answer;
      },
    };
    try {
      return { answer: await ask({ ...version, endpoint }), asked };
    } catch (error) {
      if (!(error instanceof ScoreRefusedError) || error.kind !== 'mismatch') throw error;
      if (this.accepted?.version === version) this.accepted = null;
      return { refused: error };
    }
  }

  /** Asks again as long as it is refused by a model that names another definition, while there is one for this version too. */
  private async persistently(
    version: ServingVersion,
    instances: Parameters<Endpoint['score']>[0],
  ): Promise<EndpointAnswer> {
    const { definition_hash } = version.usecase.view;
    for (let tries = 1; ; tries++) {
      try {
        const answer = await version.endpoint.score(instances);
        this.believe(definition_hash);
        return answer;
      } catch (error) {
        if (!(error instanceof ScoreRefusedError) || error.trained_on === undefined) throw error;
        this.believe(error.trained_on);
        if (!this.served(version)) throw error;
        if (tries < TRIES) continue;
        this.models.delete(definition_hash);
        throw error;
      }
    }
  }

  private believe(definition_hash: string): void {
    this.models.set(definition_hash, this.now() + REMEMBERED_MS);
  }

  private served({ usecase }: ServingVersion): boolean {
    return this.now() < (this.models.get(usecase.view.definition_hash) ?? 0);
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
