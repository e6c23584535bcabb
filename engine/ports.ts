/** What the application needs from outside: lambdas/aws has it on AWS, engine/memory in memory. */

import type { RecordPosition } from '../core/admission/admit.ts';
import type { FeatureValue } from '../core/ir/document.ts';
import type { AlertState } from '../core/scores/alerts.ts';
import type { Disposition, ScoreRate, SuppressionRule, WaitingAlert } from '../core/scores/policy.ts';
import type { EntityState } from '../core/state/state.ts';

/** What is known of an item besides its state. */
export interface StateFlags {
  /** The state holds everything since ever. False: only what came since its view version cut over. Stored as `joined`. */
  readonly whole: boolean;
  /** It started from `seedState`. */
  readonly seeded: boolean;
  /** It holds an event twice, or lacks some that came while it could not be read: the healing has to make it anew. */
  readonly heal: boolean;
}

export const WHOLE: StateFlags = { whole: true, seeded: false, heal: false };

export interface StoredState {
  readonly state: EntityState;
  /** Grows by one with each write; stored as `version`. */
  readonly revision: number;
  /** @default WHOLE */
  readonly flags?: StateFlags;
  /** Events found twice when the backfill's part was merged, which the next write stores. @default 0 */
  readonly twice?: number;
}

export interface NamedState {
  readonly entity_id: string;
  readonly state: EntityState;
  /** @default WHOLE */
  readonly flags?: StateFlags;
}

/** Shard → sequence number. */
export type Positions = Readonly<Record<string, string>>;

/** From where on a view version takes part in the stream; what came before is the backfill's, also when it comes again. */
export interface Cutover {
  /** Whether the fence is up: the backfill has brought what came before. A shard without a position is new then. */
  readonly complete: boolean;
  /** Without a shard that has not cut over yet. */
  readonly from: Positions;
}

export interface Cutovers {
  /**
   * Settles where the version cuts over in a shard, where that is not settled yet and a batch of the shard tells.
   * @param batch of one shard, in its order
   */
  positions(batch: readonly RecordPosition[]): Promise<Cutover>;
}

/** A state that the online table could not hold (an item ends at 400 KB). */
export class StateTooLargeError extends Error {
  override readonly name = 'StateTooLargeError';
}

/**
 * Told of an entity whose state this code can't read: newer code wrote it, or it is damaged. It is left out then, and
 * the others are not.
 */
export type Unreadable = (entity_id: string, error: unknown) => void;

export interface StateStore {
  /**
   * Consistent reads; entities without a state are absent.
   * @param unreadable @default - a state that can't be read is thrown for
   */
  read(entity_ids: readonly string[], unreadable?: Unreadable): Promise<ReadonlyMap<string, StoredState>>;
  /**
   * @param revision the one that was read, null for a new entity
   * @param flags @default WHOLE
   * @returns bytes written, `conflict` if another was faster, `erased` when the entity was and may not come back
   * @throws StateTooLargeError
   */
  write(
    entity_id: string,
    state: EntityState,
    revision: number | null,
    flags?: StateFlags,
  ): Promise<number | 'conflict' | 'erased'>;
  /**
   * Moves the watermarks of an item whose state can't be read over events that it therefore can't take, and flags it to be healed.
   * @param positions shard → the last sequence number of these events
   * @returns false when there is no item, or another was faster. @default - states can always be read
   */
  pass?(entity_id: string, positions: Positions): Promise<boolean>;
  /** Whether the backfill of this view version is complete. */
  ready(): Promise<boolean>;
}

/** Entities that were erased; what comes of them later is dropped. */
export interface Tombstones {
  /** As of a second ago at most. @returns those of `entity_ids` that were erased */
  erased(entity_ids: readonly string[]): Promise<ReadonlySet<string>>;
}

/** Time of a replay: the newest arrival seen, over all entities. */
export interface ReplayClock {
  read(): Promise<number | null>;
  advance(to: number): Promise<void>;
}

export interface JsonLinesSink {
  /** Overwrites: the same key always holds the same lines. */
  put(key: string, lines: readonly object[]): Promise<void>;
}

export interface EndpointAnswer {
  readonly scores: readonly ModelScore[];
  readonly variant: string;
  readonly model_version: string;
}

export interface ModelScore {
  /** Calibrated probability. */
  readonly score: number;
  /** One a model input, in log-odds. */
  readonly contributions: readonly number[];
}

/** One an entity, each in the order of the model's inputs. */
export type ModelRows = readonly (readonly (number | null)[])[];

export interface Endpoint {
  /**
   * @param variant the production variant that is to answer. @default - whichever the endpoint chooses
   * @throws ScoreRefusedError when the model must not be asked (none there, another definition)
   * @throws ModelFailedError when it does not answer, or by an error of its own
   */
  score(rows: ModelRows, variant?: string): Promise<EndpointAnswer>;
}

/** An endpoint in the turn of one version of the view. */
export interface Model {
  /**
   * @param variant as of an Endpoint
   * @returns null when the model was trained for another version: nobody is scored by this one
   * @throws as an Endpoint, but for that
   */
  score(rows: ModelRows, variant?: string): Promise<EndpointAnswer | null>;
}

/** No score on purpose: a wrong one is worse than none. Retrying at once would not help. */
export class ScoreRefusedError extends Error {
  override readonly name = 'ScoreRefusedError';
  /** `not_ready`: a backfill or a model is missing still; `mismatch`: the model is for another definition than ours. */
  readonly kind: 'not_ready' | 'mismatch';
  /** With a mismatch: the definition hash that the model says it was trained on. @default - it did not say */
  readonly trained_on: string | undefined;

  constructor(message: string, kind: ScoreRefusedError['kind'] = 'not_ready', trained_on?: string) {
    super(message);
    this.kind = kind;
    this.trained_on = trained_on;
  }
}

/** The model fails or hangs, whatever it is asked: trying again later may help, and looking at single records does not. */
export class ModelFailedError extends Error {
  override readonly name = 'ModelFailedError';
}

export type Trigger = 'event' | 'sweep' | 'api';

export interface ScoreRecord {
  readonly entity_id: string;
  readonly t: number;
  readonly score: number;
  readonly variant: string;
  /** That the score was made in; null: in none. */
  readonly experiment: string | null;
  readonly model_version: string;
  readonly definition_hash: string;
  readonly trigger: Trigger;
  readonly reasons: readonly string[];
  readonly alert_state: AlertState;
}

export interface StoredScore {
  readonly t: number;
  readonly model_version: string;
  /** As of the score. */
  readonly experiment: string | null;
  readonly alert_state: AlertState;
  readonly revision: number;
}

export interface AlertRecord {
  readonly alert_id: string;
  readonly title: string;
  readonly link: string;
  readonly disposition: Disposition;
}

export interface ScoreStore {
  read(entity_ids: readonly string[]): Promise<ReadonlyMap<string, StoredScore>>;
  /**
   * Writes the score and, in the same transaction, the alert it raises: into the outbox, among those that wait for their
   * turn (one an entity, the newest), or to what was suppressed. @returns false if another writer was faster
   */
  write(score: ScoreRecord, revision: number | null, alert: AlertRecord | null): Promise<boolean>;
}

/** How many scores of late lay above the threshold. */
export interface ScoreRates {
  /** Counts in these. A repeat counts them twice. @param t of the newest, ms UTC. @returns the sums of the window that ends there */
  add(t: number, rate: ScoreRate, window_ms: number): Promise<ScoreRate>;
  /** @param t end of the window, ms UTC */
  read(t: number, window_ms: number): Promise<ScoreRate>;
}

/** Alerts that wait for their turn. Each step is one transaction: done, or as if it had not been tried. */
export interface Turns<One extends WaitingAlert = WaitingAlert> {
  /** As of a moment ago, in any order. */
  waiting(): Promise<readonly One[]>;
  /** How many were released on a UTC day, yyyy-mm-dd. */
  released(day: string): Promise<number>;
  /**
   * Into the outbox, and counted. @param capacity of the day; null: any number
   * @returns `full` when the day has no more, `gone` when it does not wait any more
   */
  release(alert: One, day: string, capacity: number | null): Promise<'done' | 'full' | 'gone'>;
  /** Written down with the rule. @param arm whether the next score above the threshold raises an alert again */
  close(alert: One, rule: SuppressionRule, arm: boolean): Promise<'done' | 'gone'>;
}

/** A prediction with all that is needed to replay it offline. */
export interface Prediction {
  readonly prediction_id: string;
  readonly entity_id: string;
  readonly t: number;
  readonly view: string;
  readonly definition_hash: string;
  readonly watermarks: Readonly<Record<string, string>>;
  readonly values: readonly FeatureValue[];
  readonly inputs: readonly (number | null)[];
  readonly score: number;
  /** That answered. */
  readonly variant: string;
  /** That assigned this variant; null: none did. */
  readonly experiment: string | null;
  readonly model_version: string;
  readonly reasons: readonly string[];
  readonly trigger: Trigger;
  readonly scored_at: number;
}
