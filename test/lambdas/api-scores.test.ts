/** What the API answers about scores: of 100 entities each its own, and an earlier one where the model does not answer. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { admit } from '../../core/admission/admit.ts';
import { applyEvents, type EntityState, emptyState } from '../../core/state/state.ts';
import { DAY, HOUR } from '../../core/values/time.ts';
import {
  type Endpoint,
  ModelFailedError,
  type ModelRows,
  type Prediction,
  ScoreRefusedError,
  type StateStore,
  type StoredState,
} from '../../engine/ports.ts';
import { ServingVersions } from '../../engine/score/serving-versions.ts';
import { vectorsOf } from '../../engine/score/vectors.ts';
import { type ScoreAnswer, scoreAnswer } from '../../lambdas/api/answers.ts';
import { type ScorePorts, scoresOf } from '../../lambdas/api/scores.ts';
import type { LastScore } from '../../lambdas/aws/dynamo/last-scores.ts';
import { ARRIVAL, purchase, RULES, record, usecase } from '../engine/use-case.ts';

const NOW = ARRIVAL + DAY;
const HASH = usecase.view.definition_hash;

let states: Map<string, EntityState>;
let damaged: Set<string>;
let last: Map<string, LastScore>;
let kept: Prediction[];
let asked: number[];
let readLast: string[][];
let degradedBy: string[];
let fences: boolean;
/** What the model does with rows. */
let answer: (rows: ModelRows) => Promise<number[]>;

const endpoint: Endpoint = {
  score: async (rows) => {
    asked.push(rows.length);
    const scores = (await answer(rows)).map((score) => ({ score, contributions: [0.5, 1.5] }));
    return { scores, variant: 'champion', model_version: 'm2' };
  },
};

function bought(entity: string): EntityState {
  const { data, position } = record(purchase(entity, `${entity}-1`), 1);
  const admitted = admit(data, position, RULES.contracts, RULES.admit);
  if (!admitted.ok) throw new Error(admitted.detail);
  return applyEvents(usecase.plan, emptyState(usecase.plan), [admitted.event]).state;
}

function earlier(entity_id: string, t: number): LastScore {
  const said = { variant: 'champion', model_version: 'm1', definition_hash: HASH, reasons: ['it was silent'] };
  return { entity_id, t, score: 0.4, ...said };
}

beforeEach(() => {
  states = new Map(['ann', 'bob', 'eve'].map((id) => [id, bought(id)]));
  [damaged, last, kept, asked, readLast, degradedBy, fences] = [new Set(), new Map(), [], [], [], [], true];
  answer = async (rows) => rows.map(() => 0.9);
});

async function ask(entity_ids: readonly string[], budget_ms?: number): Promise<ScoreAnswer> {
  const stored = new Map<string, StoredState>([...states].map(([id, state]) => [id, { state, revision: 1 }]));
  const store = { ready: async () => fences, read: async () => stored } as unknown as StateStore;
  const ports: ScorePorts = {
    serving: new ServingVersions([{ usecase, states: store, endpoint }], () => NOW),
    vectors: async (version, ids, now) =>
      vectorsOf(version.usecase, ids, stored, now, { damaged, unreadable: (id) => damaged.add(id) }).map((one) =>
        // Beyond binary32 the model has no place for it, and would refuse all rows of the request.
        one.answer.entity_id === 'wide' ? { ...one, values: one.values.map(() => 1e39) } : one,
      ),
    lastScores: async (ids) => {
      readLast.push([...ids]);
      return new Map(ids.flatMap((id) => (last.has(id) ? [[id, last.get(id)!]] : [])));
    },
    keep: async (predictions) => void kept.push(...predictions),
    onDegraded: ({ message }) => degradedBy.push(message),
    budget_ms,
  };
  // What is promised is what is answered, and nothing else.
  return scoreAnswer.parse(JSON.parse(JSON.stringify(await scoresOf(ports, entity_ids, NOW))));
}

test('each entity has its score with its age, its model, its definition, and reasons with units', async () => {
  const { view, definition_hash, degraded, entities } = await ask(['ann', 'bob']);
  expect([view, definition_hash, degraded]).toEqual([usecase.view.version, HASH, false]);
  expect(entities.map(({ entity_id }) => entity_id)).toEqual(['ann', 'bob']);
  expect(entities[0]).toMatchObject({
    ...{ status: 'found', score: 0.9, score_age_ms: 0, degraded: false },
    ...{ variant: 'champion', model_version: 'm2', definition_hash: HASH },
    reasons: ['nothing bought for 1.0 days', 'only 1 purchases in a week'],
  });
  expect(kept.map(({ entity_id }) => entity_id)).toEqual(['ann', 'bob']);
  expect(readLast).toEqual([]);
});

test('an entity that fails does not fail the others: each reason has its code', async () => {
  damaged.add('lost');
  states.set('wide', bought('wide'));
  const { entities, degraded } = await ask(['ann', 'nobody', 'lost', 'wide', 'bob']);
  expect(degraded).toBe(false);
  expect(entities.map(({ score, error }) => score ?? error?.reason)).toEqual([
    ...[0.9, 'missing', 'unreadable', 'out_of_range', 0.9],
  ]);
  for (const { error } of entities) if (error) expect(error.message).toMatch(/^[A-Z].*\.$/);
  expect(asked).toEqual([2]);
});

test('whose state can not be read is answered with the score of before', async () => {
  damaged.add('lost');
  last.set('lost', earlier('lost', NOW - HOUR));
  const { entities, degraded } = await ask(['lost', 'ann']);
  expect(degraded).toBe(false);
  expect(entities[0]).toMatchObject({ status: 'unreadable', score: 0.4, degraded: true, score_age_ms: HOUR });
  expect(entities[1]).toMatchObject({ score: 0.9, degraded: false });
  expect(readLast).toEqual([['lost']]);
});

describe('the model does not answer', () => {
  const downs: Record<string, () => Promise<number[]>> = {
    'no endpoint': () => Promise.reject(new ScoreRefusedError('endpoint: found none in service')),
    'one that fails, or throttles': () =>
      Promise.reject(new ModelFailedError('model: no answer (ThrottlingException)')),
    'one that hangs': () => new Promise(() => {}),
  };

  test.each(Object.entries(downs))(
    '%s: earlier scores with their ages, flagged, and nothing is kept',
    async (_, down) => {
      answer = down;
      last = new Map([
        ['ann', earlier('ann', NOW - 3 * HOUR)],
        // Written by another clock.
        ['bob', earlier('bob', NOW + 5)],
      ]);
      const { degraded, entities } = await ask(['ann', 'nobody', 'bob', 'eve'], 50);
      expect(degraded).toBe(true);
      expect(
        entities.map(({ score, degraded: old, score_age_ms, error }) => [score, old, score_age_ms, error?.reason]),
      ).toEqual([
        [0.4, true, 3 * HOUR, undefined],
        [undefined, false, undefined, 'missing'],
        [0.4, true, 0, undefined],
        [undefined, false, undefined, 'model_unavailable'],
      ]);
      expect(entities[0]).toMatchObject({ model_version: 'm1', definition_hash: HASH, reasons: ['it was silent'] });
      // Features are as of now all the same.
      expect(entities[0]!.features).toMatchObject({ buys_7d: 1 });
      expect(kept).toEqual([]);
      expect(degradedBy).toHaveLength(1);
    },
  );

  test.each(Object.entries(downs))('%s: with no earlier score of anybody the request fails', async (_, down) => {
    answer = down;
    await expect(ask(['ann'], 50)).rejects.toThrow(/^(endpoint: found none|model: no answer)/);
    expect(degradedBy).toEqual([]);
  });

  test('the time is bounded, and what comes late is not kept', async () => {
    let late: (scores: number[]) => void = () => {};
    answer = () => new Promise((done) => (late = done));
    last.set('ann', earlier('ann', NOW - HOUR));
    const began = performance.now();
    expect((await ask(['ann'], 60)).degraded).toBe(true);
    expect(performance.now() - began).toBeLessThan(1000);
    late([0.9]);
    await new Promise((done) => setImmediate(done));
    expect(kept).toEqual([]);
  });
});

test('a model of another definition, or a view that is not ready, is no reason for earlier scores', async () => {
  last.set('ann', earlier('ann', NOW - HOUR));
  answer = () => Promise.reject(new ScoreRefusedError('another definition', 'mismatch', 'x'));
  await expect(ask(['ann'])).rejects.toMatchObject({ kind: 'mismatch' });
  fences = false;
  await expect(ask(['ann'])).rejects.toThrow(/^fence: found none/);
});
