/** From states to scores, predictions and alerts; the scorer, the sweep and the API all come through here. */

import type { FeatureValue } from '../../core/ir/document.ts';
import { requireModel } from '../../core/ir/parts.ts';
import { NEVER_ALERTED, reasons } from '../../core/scores/alerts.ts';
import { modelInputs } from '../../core/scores/model-inputs.ts';
import { finalise } from '../../core/state/finalise.ts';
import type { EntityState } from '../../core/state/state.ts';
import { sha256 } from '../../core/values/hash.ts';
import { dayOf, objectKey } from '../../names/lake.ts';
import { type AlertCounts, countAlerts, doubts, raise } from '../alerting/raise.ts';
import { MAX_TRIES, pause } from '../backoff.ts';
import { mapConcurrently } from '../concurrently.ts';
import {
  type Assigned,
  type Assigning,
  experimentOf,
  isHeldOut,
  requestsOf,
  withheld,
} from '../experiments/assigning.ts';
import { expose } from '../experiments/exposures.ts';
import type {
  AlertRecord,
  JsonLinesSink,
  Model,
  NamedState,
  Prediction,
  ScoreRates,
  ScoreStore,
  StoredScore,
  Tombstones,
  Trigger,
  Unreadable,
} from '../ports.ts';
import type { LoadedUseCase } from '../use-case.ts';

/** Rows in one request to the model. */
const ENDPOINT_BATCH = 200;
const WRITERS = 16;

export interface Candidate {
  readonly entity_id: string;
  readonly state: EntityState;
  /** Instant of the score, ms; after the state's newest arrival. */
  readonly t: number;
  /** Absent: no experiment runs. */
  readonly assigned?: Assigned;
}

export interface ScoringPorts {
  readonly model: Model;
  readonly scores: ScoreStore;
  /** Of predictions, and of exposures in experiments. */
  readonly predictions: JsonLinesSink;
  /** @default - no experiment runs */
  readonly experiments?: Pick<Assigning, 'assign'>;
  /** @default - nobody was erased */
  readonly tombstones?: Tombstones;
  /** @default - a state that can't be read is thrown for */
  readonly unreadable?: Unreadable;
  /** For the guard. @default - it is not asked */
  readonly rates?: ScoreRates;
  /** Waits before a lost write is tried again. @default - backoff with jitter */
  readonly pause?: (attempt: number) => Promise<void>;
}

export interface Scored {
  readonly predictions: readonly Prediction[];
  readonly alerts: AlertCounts;
  /** Whether the guard doubts the model, so that nobody was told. */
  readonly doubted: boolean;
}

/** The newest instant a state may be read at, or later: the wall clock, but never at or before an arrival it has seen. */
export function instantAfter(state: EntityState, now: number): number {
  return Math.max(now, state.newest_available_at + 1);
}

/** Each to be scored now. @param now ms UTC */
export function candidatesAt(states: readonly NamedState[], now: number): Candidate[] {
  return states.map(({ entity_id, state }) => ({ entity_id, state, t: instantAfter(state, now) }));
}

/**
 * Asks the model.
 * @param scored_at ms UTC by the wall clock, for the record only
 * @returns null when it refuses this version of the view, also where it took others of the candidates just before
 */
export async function predict(
  usecase: LoadedUseCase,
  asked: Model,
  candidates: readonly Candidate[],
  trigger: Trigger,
  scored_at: number,
  unreadable?: Unreadable,
): Promise<Prediction[] | null> {
  const predictions: Prediction[] = [];
  const { model } = requireModel(usecase.ir);
  const readable = candidates.flatMap((candidate) => {
    try {
      return [{ ...candidate, values: finalise(usecase.plan, candidate.state, candidate.t) }];
    } catch (error) {
      // The bytes of a state are read where they are needed, so a damaged one may show here at last.
      if (!unreadable) throw error;
      unreadable(candidate.entity_id, error);
      return [];
    }
  });
  for (const { variant, entities: some } of requestsOf(readable, ENDPOINT_BATCH)) {
    const vectors = some.map(({ values }) => ({
      values,
      inputs: modelInputs(usecase.plan, model, values),
    }));
    const answer = await asked.score(
      vectors.map((vector) => vector.inputs),
      variant,
    );
    if (answer === null) return null;
    some.forEach((one, i) => {
      const { entity_id, state, t } = one;
      const { score, contributions } = answer.scores[i]!;
      const { values, inputs } = vectors[i]!;
      predictions.push({
        prediction_id: predictionId(entity_id, t, usecase.view.version, answer.model_version),
        entity_id,
        t,
        view: usecase.view.version,
        definition_hash: usecase.view.definition_hash,
        watermarks: state.watermarks,
        values,
        inputs,
        score,
        variant: answer.variant,
        experiment: experimentOf(one, answer.variant),
        model_version: answer.model_version,
        reasons: reasonsOf(usecase, values, contributions),
        trigger,
        scored_at,
      });
    });
  }
  return predictions;
}

/** In the words of the alerts: without these there are none. */
function reasonsOf(
  { ir, view }: LoadedUseCase,
  values: readonly FeatureValue[],
  contributions: readonly number[],
): string[] {
  const { alerts, model } = ir;
  return alerts && model ? reasons(alerts, view, model, values, contributions) : [];
}

/** The same for every delivery of the same change, so that a repeat overwrites. */
function predictionId(entity_id: string, t: number, view: string, model_version: string): string {
  return sha256([entity_id, t, view, model_version].join('\n')).slice(0, 32);
}

/**
 * The same predictions have the same key on the same day: a repeat overwrites; after midnight both are merged by their ids.
 * The day is that of the writing, as `t` may be any day of a replay: the compaction lists the newest days only.
 * @param predictions at least one
 */
export function predictionsKey(predictions: readonly Prediction[]): string {
  const id = sha256(predictions.map((one) => one.prediction_id).join('\n')).slice(0, 32);
  return objectKey('predictions', { day: dayOf(predictions[0]!.scored_at), id });
}

/**
 * Scores, stores what is needed to replay it, and raises alerts. Every step may be repeated.
 * @returns null when the model refuses this version of the view: nothing is stored then
 */
export async function score(
  usecase: LoadedUseCase,
  ports: ScoringPorts,
  candidates: readonly Candidate[],
  trigger: Trigger,
  scored_at: number,
): Promise<Scored | null> {
  const stored = await ports.scores.read(candidates.map((one) => one.entity_id));
  const unassigned = await withoutErased(candidates, stored, ports);
  const known = (await ports.experiments?.assign(unassigned)) ?? unassigned;
  const predictions = await predict(usecase, ports.model, known, trigger, scored_at, ports.unreadable);
  if (predictions === null) return null;
  if (predictions.length === 0) return { predictions, alerts: countAlerts([]), doubted: false };
  await ports.predictions.put(predictionsKey(predictions), predictions);
  await expose(ports.predictions, predictions, known, stored);
  const heldOut = new Set(known.filter(isHeldOut).map(({ entity_id }) => entity_id));
  const doubted = await doubts(usecase, ports.rates, predictions);
  const raised = await mapConcurrently(predictions, WRITERS, (one) =>
    record(usecase, ports, one, stored.get(one.entity_id), { doubted, heldOut: heldOut.has(one.entity_id) }),
  );
  return { predictions, alerts: countAlerts(raised), doubted };
}

/** Erasing deletes the score: only an entity without one may be erased, and only for it that is asked. */
async function withoutErased(
  candidates: readonly Candidate[],
  stored: ReadonlyMap<string, StoredScore>,
  { tombstones }: ScoringPorts,
): Promise<readonly Candidate[]> {
  const fresh = candidates.filter(({ entity_id }) => !stored.has(entity_id));
  if (fresh.length === 0 || !tombstones) return candidates;
  const erased = await tombstones.erased(fresh.map(({ entity_id }) => entity_id));
  return candidates.filter(({ entity_id }) => !erased.has(entity_id));
}

/** @returns the alert that this call raised; null: none */
async function record(
  usecase: LoadedUseCase,
  { scores, tombstones, pause: wait = pause }: ScoringPorts,
  prediction: Prediction,
  first: StoredScore | undefined,
  { doubted, heldOut }: { readonly doubted: boolean; readonly heldOut: boolean },
): Promise<AlertRecord | null> {
  const { entity_id, t } = prediction;
  for (let from = first, attempts = 0; ; attempts++) {
    // A redelivery, or an older image overtaken by a newer one: a served score never goes back in time.
    if (from && (from.t > t || (from.t === t && from.model_version === prediction.model_version))) return null;
    const { next, alert: raised } = raise(usecase, prediction, from?.alert_state ?? NEVER_ALERTED, doubted);
    const alert = heldOut ? withheld(raised) : raised;
    if (await scores.write({ ...prediction, alert_state: next }, from?.revision ?? null, alert)) return alert;
    if (attempts === MAX_TRIES) throw new Error('a score lost every conditional write; its batch is delivered again');
    await wait(attempts);
    from = (await scores.read([entity_id])).get(entity_id);
    if (!from && (await tombstones?.erased([entity_id]))?.has(entity_id)) return null;
  }
}
