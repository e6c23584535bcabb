import { beforeEach, describe, expect, test } from '@jest/globals';
import { admit } from '../../../core/admission/admit.ts';
import { armOf, HOLD_OUT } from '../../../core/experiments/assignment.ts';
import { applyEvents, emptyState } from '../../../core/state/state.ts';
import { DAY } from '../../../core/values/time.ts';
import { Assigning } from '../../../engine/experiments/assigning.ts';
import type { Exposure } from '../../../engine/experiments/exposures.ts';
import { ChallengerFallback } from '../../../engine/experiments/fallback.ts';
import { MemoryLake } from '../../../engine/memory/lake.ts';
import { MemoryScores } from '../../../engine/memory/scores.ts';
import { type Endpoint, ModelFailedError, type Prediction, ScoreRefusedError } from '../../../engine/ports.ts';
import { score } from '../../../engine/score/scoring.ts';
import { coverageOf, type ExperimentRecord } from '../../../names/experiments.ts';
import { ARRIVAL, purchase, RULES, record as recordOf, usecase } from '../use-case.ts';
import { heldOut as EXPERIMENT } from './record.ts';

const IDS = Array.from({ length: 60 }, (_, i) => `c${i}`);
const arm = (id: string) => armOf(EXPERIMENT.experiment, coverageOf(EXPERIMENT), id);

/** Two variants that say who they are, and remember who asked. */
class TwoVariants implements Endpoint {
  readonly asked: (string | undefined)[] = [];
  broken: Error | null = null;

  async score(rows: readonly (readonly (number | null)[])[], variant?: string) {
    this.asked.push(variant);
    if (variant === 'challenger' && this.broken) throw this.broken;
    const scores = rows.map(() => ({ score: 0.9, contributions: [0.5, 1.5] }));
    return { scores, variant: variant ?? 'any', model_version: variant === 'challenger' ? 'm2' : 'm1' };
  }
}

function candidate(entity_id: string, t = ARRIVAL + DAY) {
  const { data, position } = recordOf(purchase(entity_id, `${entity_id}-1`), 1);
  const admitted = admit(data, position, RULES.contracts, RULES.admit);
  if (!admitted.ok) throw new Error(admitted.detail);
  return { entity_id, t, state: applyEvents(usecase.plan, emptyState(usecase.plan), [admitted.event]).state };
}

let endpoint: TwoVariants;
let scores: MemoryScores;
let lake: MemoryLake;
let running: ExperimentRecord | null;
let now: number;
let failures: Error[];
let run: (t?: number) => Promise<readonly Prediction[]>;

beforeEach(() => {
  [endpoint, scores, lake, running, now, failures] = [
    new TwoVariants(),
    new MemoryScores(),
    new MemoryLake(),
    EXPERIMENT,
    0,
    [],
  ];
  const experiments = new Assigning({ running: async () => running }, 60_000, () => now);
  const model = new ChallengerFallback(
    endpoint,
    (error) => failures.push(error),
    () => now,
  );
  run = async (t) => {
    const candidates = IDS.map((id) => candidate(id, t));
    const ports = { model, scores: scores.port(), predictions: lake.port(), experiments };
    return (await score(usecase, ports, candidates, 'sweep', 42))!.predictions;
  };
});

const exposures = () =>
  [...lake.objects].flatMap(([key, lines]) => (key.startsWith('archive/exposures/') ? (lines as Exposure[]) : []));
const among = (wanted: ReturnType<typeof arm>) => IDS.filter((id) => arm(id) === wanted);

describe('scoring in an experiment', () => {
  test('asks each variant for its own, and the champion for all others', async () => {
    const predictions = await run();
    expect([...new Set(endpoint.asked)].sort()).toEqual(['challenger', 'champion']);
    expect(
      among('challenger').length * among('champion').length * among(HOLD_OUT).length * among(null).length,
    ).toBeGreaterThan(0);
    for (const { entity_id, variant, experiment } of predictions) {
      expect(variant).toBe(arm(entity_id) === 'challenger' ? 'challenger' : 'champion');
      expect(experiment).toBe(arm(entity_id) === null ? null : 'deeper');
    }
  });

  test('exposes each who takes part once, the hold-out too', async () => {
    await run();
    await run(ARRIVAL + 2 * DAY);
    expect(
      exposures()
        .map(({ entity_id }) => entity_id)
        .sort(),
    ).toEqual(IDS.filter((id) => arm(id) !== null).sort());
    for (const one of exposures())
      expect(one).toMatchObject({
        experiment: 'deeper',
        variant: arm(one.entity_id),
        t: ARRIVAL + DAY,
        exposed_at: 42,
      });
  });

  test('tells nobody of who is held out', async () => {
    await run();
    const alerted = [...scores.alerts.keys()].map((key) => key.split(' ')[0]).sort();
    expect(alerted).toEqual(IDS.filter((id) => arm(id) !== HOLD_OUT).sort());
  });

  test.each([
    new ModelFailedError('model: failed with status 500'),
    new ScoreRefusedError('model: trained for another definition', 'mismatch', 'other'),
    new ScoreRefusedError('endpoint: found none in service'),
  ])('the champion answers for a challenger of which is said: $message', async (error) => {
    endpoint.broken = error;
    const predictions = await run();
    expect(predictions).toHaveLength(IDS.length);
    expect(new Set(predictions.map(({ variant }) => variant))).toEqual(new Set(['champion']));
    expect(predictions.filter(({ experiment }) => experiment).map(({ entity_id }) => arm(entity_id))).not.toContain(
      'challenger',
    );
    expect(exposures().map(({ variant }) => variant)).not.toContain('challenger');
    expect(failures).toEqual([error]);
    now += 59_999;
    await run(ARRIVAL + 2 * DAY);
    expect(failures).toHaveLength(1);
    now += 1;
    endpoint.broken = null;
    await run(ARRIVAL + 3 * DAY);
    expect(exposures().filter(({ variant }) => variant === 'challenger')).toHaveLength(among('challenger').length);
  });

  test('another error of the challenger is thrown', async () => {
    endpoint.broken = new Error('no network');
    await expect(run()).rejects.toThrow('no network');
  });

  test('names no variant without an experiment, and hears of one within a minute', async () => {
    running = null;
    const [first] = await run();
    expect(first).toMatchObject({ variant: 'any', experiment: null });
    expect([endpoint.asked, exposures()]).toEqual([[undefined], []]);
    running = EXPERIMENT;
    now = 59_999;
    await run(ARRIVAL + 2 * DAY);
    expect(exposures()).toEqual([]);
    now = 60_000;
    await run(ARRIVAL + 3 * DAY);
    expect(exposures().length).toBeGreaterThan(0);
  });
});
