/** Which of the view's versions answers, while a changed one is on its way. */
import {
  type Endpoint,
  type EndpointAnswer,
  type Model,
  type ModelRows,
  ScoreRefusedError,
  type StateStore,
} from '../ports.ts';
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
 * How often a version asks that is refused by one fleet while another is there for it. It stays refused with probability p^20,
 * p being that fleet's share of the requests: once in a million where it is half.
 */
const TRIES = 20;

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
   * Turns of the versions whose fences are up, one after the other: first whoever the model accepted within the last minute,
   * then the newest. The last turn is that of the version that the model accepts. A version that asks nothing in its turn is
   * passed over; where none that asks is accepted, having nothing to ask is an answer too, and the turns end.
   *
   * What is done in a turn before the model has accepted may be done again in the turn of another version, or of the same.
   * @throws ScoreRefusedError when no fence is up, or the model refuses all that was asked
   */
  async *turns(): AsyncGenerator<Turn, void, void> {
    const refused: Turn[] = [];
    let unasked = false;
    for (const version of await this.candidates()) {
      const turn = this.turnOf(version);
      yield turn;
      // One model accepts one definition: where this version was accepted lately, another would be refused.
      if (turn.refusal) refused.push(turn);
      else if (turn.asked || this.remembered() === version) return;
      else unasked = true;
    }
    // A later refusal may have named the definition of an earlier version: a canary, with a fleet for each.
    for (const { version, refusal } of refused) {
      if (refusal?.trained_on === undefined || !this.served(version)) continue;
      const turn = this.turnOf(version);
      yield turn;
      if (!turn.refusal) return;
    }
    if (!unasked) throw refused[0]!.refusal!;
  }

  private turnOf(version: ServingVersion): Turn {
    return new Turn(version, (rows, variant) => this.ask(version, rows, variant));
  }

  /** Asks again as long as it is refused by a model that names another definition, while there is one for this version too. */
  private async ask(version: ServingVersion, rows: ModelRows, variant?: string): Promise<EndpointAnswer> {
    const { definition_hash } = version.usecase.view;
    for (let tries = 1; ; tries++) {
      try {
        const answer = await version.endpoint.score(rows, variant);
        this.believe(definition_hash);
        this.remember(version);
        return answer;
      } catch (error) {
        if (!isMismatch(error)) throw error;
        if (error.trained_on !== undefined) this.believe(error.trained_on);
        if (error.trained_on !== undefined && this.served(version)) {
          if (tries < TRIES) continue;
          this.models.delete(definition_hash);
        }
        if (this.accepted?.version === version) this.accepted = null;
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

/** One version's turn to score. */
export class Turn implements Model {
  readonly usecase: LoadedUseCase;
  readonly states: StateStore;
  readonly version: ServingVersion;
  /** Whether the model was asked. */
  asked = false;
  /** Why the model does not take this version's vectors; null: it took them, or was not asked. */
  refusal: ScoreRefusedError | null = null;
  private readonly ask: Endpoint['score'];

  constructor(version: ServingVersion, ask: Endpoint['score']) {
    this.usecase = version.usecase;
    this.states = version.states;
    this.version = version;
    this.ask = ask;
  }

  async score(rows: ModelRows, variant?: string): Promise<EndpointAnswer | null> {
    this.asked = true;
    try {
      return await this.ask(rows, variant);
    } catch (error) {
      if (!isMismatch(error)) throw error;
      this.refusal = error;
      return null;
    }
  }
}

function isMismatch(error: unknown): error is ScoreRefusedError {
  return error instanceof ScoreRefusedError && error.kind === 'mismatch';
}
