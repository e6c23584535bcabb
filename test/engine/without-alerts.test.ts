/** A model without alerts: scores and predictions are kept, and nobody is told. */
import { expect, test } from '@jest/globals';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { MemoryScores } from '../../engine/memory/scores.ts';
import { score } from '../../engine/score/scoring.ts';
import { compileUseCase } from '../../engine/use-case.ts';
import { ARRIVAL, ir } from './use-case.ts';

test('the highest score raises no alert, and has no reasons in words that nobody wrote', async () => {
  const { alerts: _, ...quiet } = ir;
  const usecase = compileUseCase(quiet);
  const event = {
    ...{ event_id: 'e1', entity_id: 'ann', event_type: 'buy', source: '', source_time: null, schema_version: 1 },
    ...{ event_time: ARRIVAL, available_at: ARRIVAL, shard_id: 's', sequence_number: '1', properties: { amount: 1 } },
  };
  const { state } = applyEvents(usecase.plan, emptyState(usecase.plan), [event]);
  const [scores, lake] = [new MemoryScores(), new MemoryLake()];
  const model = {
    score: async (rows: readonly unknown[]) => ({
      scores: rows.map(() => ({ score: 1, contributions: [9, 9] })),
      ...{ variant: 'champion', model_version: 'm1' },
    }),
  };
  const ports = { model, scores: scores.port(), predictions: lake.port() };
  const candidates = [{ entity_id: 'ann', state, t: ARRIVAL + 1 }];
  const { predictions, alerts } = (await score(usecase, ports as never, candidates, 'event', ARRIVAL + 1))!;
  expect(alerts).toEqual({ told: 0, waiting: 0, suppressed: {} });
  expect(predictions).toMatchObject([{ entity_id: 'ann', score: 1, reasons: [] }]);
  expect(scores.scores.get('ann')?.record).toMatchObject({
    score: 1,
    alert_state: { armed: true, last_alert_t: null },
  });
  expect([scores.alerts.size, lake.objects.size]).toEqual([0, 1]);
});
