import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { admit } from '../../core/admission/admit.ts';
import { applyEvents, type EntityState, emptyState } from '../../core/state/state.ts';
import { DAY } from '../../core/values/time.ts';
import { type Fault, Faults } from '../../engine/memory/faults.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { MemoryScores } from '../../engine/memory/scores.ts';
import { type Endpoint, type Prediction, ScoreRefusedError } from '../../engine/ports.ts';
import { instantAfter, predict, score } from '../../engine/score/scoring.ts';
import { ARRIVAL, purchase, RULES, record, usecase } from './use-case.ts';

/** A customer's state after one purchase. */
function bought(entity: string): EntityState {
  const { data, position } = record(purchase(entity, `${entity}-1`), 1);
  const admitted = admit(data, position, RULES.contracts, RULES.admit);
  if (!admitted.ok) throw new Error(admitted.detail);
  return applyEvents(usecase.plan, emptyState(usecase.plan), [admitted.event]).state;
}

/** A model that answers with what it is told, and remembers how many rows it was asked at once. */
class Always implements Endpoint {
  readonly asked: number[] = [];
  answer: (row: readonly (number | null)[]) => number = () => 0.9;

  async score(instances: readonly (readonly (number | null)[])[]) {
    this.asked.push(instances.length);
    const scores = instances.map((row) => ({ score: this.answer(row), contributions: [0.5, 1.5] }));
    return { scores, variant: 'champion', model_version: 'm1' };
  }
}

const candidate = (entity_id: string, t = ARRIVAL + DAY) => ({ entity_id, state: bought(entity_id), t });

describe('score', () => {
  test('stores the vector with all that replays it, and the alert with its reasons and link', async () => {
    const [model, scores, lake] = [new Always(), new MemoryScores(), new MemoryLake()];
    const ports = { model, scores: scores.port(), predictions: lake.port() };
    const { predictions, alerts } = (await score(usecase, ports, [candidate('a b')], 'sweep', 42))!;
    expect(alerts).toEqual({ told: 1, waiting: 0, suppressed: {} });
    expect([...lake.objects.values()].flat()).toEqual(predictions);
    expect(predictions[0]).toMatchObject({
      entity_id: 'a b',
      t: ARRIVAL + DAY,
      view: usecase.view.version,
      definition_hash: usecase.view.definition_hash,
      watermarks: { 'shardId-000000000000': '1' },
      values: [1, 100, 1, null, DAY + 60_000],
      inputs: [1, DAY + 60_000],
      score: 0.9,
      trigger: 'sweep',
      scored_at: 42,
      reasons: ['nothing bought for 1.0 days', 'only 1 purchases in a week'],
    });
    expect([...scores.alerts.values()]).toEqual([
      {
        alert_id: predictions[0]!.prediction_id,
        title: 'A customer is leaving',
        link: `https://example.org/customers/a%20b?t=${ARRIVAL + DAY}`,
        disposition: { as: 'told' },
      },
    ]);
    expect(scores.scores.get('a b')?.record.alert_state).toEqual({ armed: false, last_alert_t: ARRIVAL + DAY });
  });

  test('one request to the model for many entities, in rows of at most 200', async () => {
    const model = new Always();
    const many = Array.from({ length: 450 }, (_, i) => candidate(`c${i}`));
    const ports = { model, scores: new MemoryScores().port(), predictions: new MemoryLake().port() };
    expect((await score(usecase, ports, many, 'event', 0))!.predictions).toHaveLength(450);
    expect(model.asked).toEqual([200, 200, 50]);
  });

  test('nothing is stored when the model refuses', async () => {
    const [scores, lake] = [new MemoryScores(), new MemoryLake()];
    const missing = () => Promise.reject(new ScoreRefusedError('endpoint: found none'));
    const run = (answer: () => Promise<null>) => {
      const ports = { model: { score: answer }, scores: scores.port(), predictions: lake.port() };
      return score(usecase, ports, [candidate('a')], 'event', 0);
    };
    await expect(run(missing)).rejects.toBeInstanceOf(ScoreRefusedError);
    expect(await run(async () => null)).toBeNull();
    expect([scores.scores.size, lake.objects.size]).toEqual([0, 0]);
  });

  test('an older image never replaces a newer score', async () => {
    const [model, scores] = [new Always(), new MemoryScores()];
    const ports = { model, scores: scores.port(), predictions: new MemoryLake().port() };
    model.answer = () => 0.1;
    await score(usecase, ports, [candidate('a', ARRIVAL + 2 * DAY)], 'event', 0);
    model.answer = () => 0.95;
    expect((await score(usecase, ports, [candidate('a', ARRIVAL + DAY)], 'event', 0))!.alerts.told).toBe(0);
    expect(scores.scores.get('a')?.record).toMatchObject({ score: 0.1, t: ARRIVAL + 2 * DAY });
    expect(scores.alerts.size).toBe(0);
  });

  test('a repeat of the same image writes nothing', async () => {
    const [model, scores, lake] = [new Always(), new MemoryScores(), new MemoryLake()];
    const ports = { model, scores: scores.port(), predictions: lake.port() };
    for (let i = 0; i < 2; i++) await score(usecase, ports, [candidate('a')], 'event', 0);
    expect(scores.scores.get('a')?.revision).toBe(1);
    expect([scores.alerts.size, lake.objects.size]).toEqual([1, 1]);
  });

  test('under crashes, lost answers and repeats, each crossing alerts exactly once', async () => {
    const fault = fc.constantFrom<Fault>('none', 'none', 'before', 'after', 'crash-before', 'crash-after');
    let raised = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(0.1, 0.5, 0.7, 0.85, 0.95), { minLength: 1, maxLength: 12 }),
        fc.array(fault, { maxLength: 60 }),
        async (path, tape) => {
          const state = bought('a');
          const clean = await walk(path, state, () => 'none');
          const faulty = await walk(path, state, () => tape.pop() ?? 'none');
          expect([...faulty.alerts.keys()]).toEqual([...clean.alerts.keys()]);
          expect(faulty.scores.get('a')?.record.alert_state).toEqual(clean.scores.get('a')?.record.alert_state);
          raised += clean.alerts.size;
        },
      ),
      { numRuns: 300 },
    );
    expect(raised).toBeGreaterThan(100);
  });
});

/** One score a day along `path`, each delivered until it succeeds, now and then by two at a time. */
async function walk(path: readonly number[], state: EntityState, next: () => Fault): Promise<MemoryScores> {
  const [model, scores, lake] = [new Always(), new MemoryScores(), new MemoryLake()];
  for (const [day, value] of path.entries()) {
    model.answer = () => value;
    const deliver = async () => {
      const faults = new Faults(next);
      const ports = {
        model,
        scores: scores.port(faults),
        predictions: lake.port(faults),
        pause: () => Promise.resolve(),
      };
      const t = ARRIVAL + (day + 1) * DAY;
      return score(usecase, ports, [{ entity_id: 'a', state, t }], 'event', 0).then(
        () => true,
        () => false,
      );
    };
    for (let done = false; !done; ) done = (await Promise.all([deliver(), deliver()])).some(Boolean);
  }
  return scores;
}

describe('predict', () => {
  test('the same image has the same id, another instant or model another', async () => {
    const model = new Always();
    const ids = async (t: number) =>
      (await predict(usecase, model, [candidate('a', t)], 'event', 0))!.map((one: Prediction) => one.prediction_id);
    const [id] = await ids(ARRIVAL + DAY);
    expect(await ids(ARRIVAL + DAY)).toEqual([id]);
    expect(await ids(ARRIVAL + DAY + 1)).not.toEqual([id]);
  });
});

test('a state is never read at or before an arrival it has seen', () => {
  const state = bought('a');
  expect(instantAfter(state, 0)).toBe(state.newest_available_at + 1);
  expect(instantAfter(state, state.newest_available_at)).toBe(state.newest_available_at + 1);
  expect(instantAfter(state, ARRIVAL + DAY)).toBe(ARRIVAL + DAY);
});
