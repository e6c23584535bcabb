/** `POST /v1/score`: each entity has a score, an earlier one, or the reason why not. */
import { requireModel } from '../../core/ir/parts.ts';
import { modelInputs } from '../../core/scores/model-inputs.ts';
import { isInRange } from '../../core/scores/trees/margin.ts';
import type { Assigning } from '../../engine/experiments/assigning.ts';
import { ModelFailedError, type Prediction, ScoreRefusedError, type StateStore } from '../../engine/ports.ts';
import { predict } from '../../engine/score/scoring.ts';
import { within } from '../../engine/score/serving-budget.ts';
import type { ServingVersions } from '../../engine/score/serving-versions.ts';
import type { Vector } from '../../engine/score/vectors.ts';
import type { LoadedUseCase } from '../../engine/use-case.ts';
import type { LastScore } from '../aws/dynamo/last-scores.ts';
import { type Failure, failed, type ScoreAnswer } from './answers.ts';

/** For states and model together (ms); what is left of the 29 s of a request is enough to read the last scores. */
export const MODEL_BUDGET_MS = 8000;

export interface ScorePorts {
  readonly serving: ServingVersions;
  readonly vectors: (version: ReadVersion, entity_ids: readonly string[], now: number) => Promise<readonly Vector[]>;
  readonly lastScores: (entity_ids: readonly string[]) => Promise<ReadonlyMap<string, LastScore>>;
  /** Asks each entity's own variant, and exposes nobody. @default - no experiment runs */
  readonly experiments?: Pick<Assigning, 'assign'>;
  /** Keeps what was served. */
  readonly keep: (predictions: readonly Prediction[]) => Promise<void>;
  /** Told why the model was not waited for. */
  readonly onDegraded: (error: Error) => void;
  /** @default MODEL_BUDGET_MS */
  readonly budget_ms?: number;
}

interface ReadVersion {
  readonly usecase: LoadedUseCase;
  readonly states: StateStore;
}

/** What one version of the view has of the entities. */
interface Found {
  readonly usecase: LoadedUseCase;
  readonly vectors: readonly Vector[];
  readonly out_of_range: ReadonlySet<string>;
  readonly predictions: readonly Prediction[];
}

type EntityAnswer = ScoreAnswer['entities'][number];

/**
 * @param now ms UTC
 * @throws ScoreRefusedError when no version of the view is ready, the model is for another definition, or there is neither a
 *   model nor an earlier score of anybody; ModelFailedError for the latter, when it fails
 */
export async function scoresOf(ports: ScorePorts, entity_ids: readonly string[], now: number): Promise<ScoreAnswer> {
  const seen: Found[] = [];
  let down: Error | null = null;
  let found: Found;
  try {
    found = await within(ports.budget_ms ?? MODEL_BUDGET_MS, ask(ports, entity_ids, now, seen));
  } catch (error) {
    if (!isDown(error) || seen.length === 0) throw error;
    down = error;
    found = seen[0]!;
  }
  if (down === null && found.predictions.length > 0) await ports.keep(found.predictions);
  const predictions = new Map(down ? [] : found.predictions.map((one) => [one.entity_id, one]));
  const open = found.vectors.filter((one) => mayBeEarlier(found, one, down !== null));
  const last = open.length === 0 ? new Map() : await ports.lastScores(open.map(({ answer }) => answer.entity_id));
  if (down !== null) {
    if (last.size === 0) throw down;
    ports.onDegraded(down);
  }
  const { version, definition_hash } = found.usecase.view;
  const entities = found.vectors.map((vector): EntityAnswer => {
    const { entity_id } = vector.answer;
    const prediction = predictions.get(entity_id);
    if (prediction) return { ...vector.answer, ...spoken(prediction), score_age_ms: 0, degraded: false };
    return withoutModel(vector, last.get(entity_id), now, failureOf(found, vector));
  });
  return { view: version, definition_hash, degraded: down !== null, entities };
}

/** No model, one that fails, or one that is late; one for another definition is none of these. */
function isDown(error: unknown): error is Error {
  return error instanceof ModelFailedError || (error instanceof ScoreRefusedError && error.kind === 'not_ready');
}

/** @param seen gets each version's vectors as they are read: what is left when the model does not answer */
async function ask(ports: ScorePorts, entity_ids: readonly string[], now: number, seen: Found[]): Promise<Found> {
  let answer: Found | null = null;
  for await (const turn of ports.serving.turns()) {
    const { usecase } = turn;
    const vectors = await ports.vectors(turn, entity_ids, now);
    const out_of_range = outOfRange(usecase, vectors);
    const found = { usecase, vectors, out_of_range, predictions: [] };
    seen.push(found);
    const known = vectors.flatMap(({ candidate }) =>
      candidate && !out_of_range.has(candidate.entity_id) ? [candidate] : [],
    );
    const assigned = (await ports.experiments?.assign(known)) ?? known;
    const predictions = await predict(usecase, turn, assigned, 'api', Date.now());
    if (predictions === null) continue;
    // That nobody is known is said by the first version.
    if (answer === null || predictions.length > 0) answer = { ...found, predictions };
  }
  return answer!;
}

/** One of these would have the model refuse all others with it. */
function outOfRange({ ir, plan }: LoadedUseCase, vectors: readonly Vector[]): ReadonlySet<string> {
  const { model } = requireModel(ir);
  const wrong = vectors.filter(({ candidate, values }) => candidate && !isInRange(modelInputs(plan, model, values)));
  return new Set(wrong.map(({ answer }) => answer.entity_id));
}

/** Whether an earlier score is better than none: of an entity that is known, and has none now for no reason of its own. */
function mayBeEarlier({ out_of_range }: Found, { answer }: Vector, down: boolean): boolean {
  if (answer.status === 'unreadable') return true;
  return down && answer.status === 'found' && !out_of_range.has(answer.entity_id);
}

function failureOf({ out_of_range }: Found, { answer }: Vector): Failure {
  if (answer.status !== 'found') return answer.status;
  return out_of_range.has(answer.entity_id) ? 'out_of_range' : 'model_unavailable';
}

function withoutModel({ answer }: Vector, last: LastScore | undefined, now: number, reason: Failure): EntityAnswer {
  if (!last) return { ...answer, degraded: false, error: failed(reason) };
  return { ...answer, ...spoken(last), score_age_ms: Math.max(0, now - last.t), degraded: true };
}

const spoken = ({ score, variant, model_version, definition_hash, reasons }: Prediction | LastScore) => ({
  ...{ score, variant, model_version, definition_hash, reasons },
});
