/** What a function says of drift: its metrics, which alarms watch, its log, and examples in the lake. */
import { expect, test } from '@jest/globals';
import type { Drift } from '../../core/admission/drift.ts';
import { DriftWatch } from '../../engine/ingest/drift.ts';
import { Faults } from '../../engine/memory/faults.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { reportDrift } from '../../lambdas/aws/drift.ts';
import type { Telemetry } from '../../lambdas/aws/telemetry.ts';
import { METRIC } from '../../names/metrics.ts';

const NOW = Date.UTC(2026, 0, 5);
const drift = (source: string, field: string): Drift => ({
  ...{ kind: 'lost_field', source, event_type: 'payment', schema_version: 1 },
  ...{ field, found: 'undefined', allowed: 'string' },
});

function told(): { said: unknown[]; telemetry: Telemetry } {
  const said: unknown[] = [];
  const telemetry: Partial<Telemetry> = {
    count: (...of) => said.push(of),
    countBy: (...of) => said.push(of),
    info: (message, fields) => said.push([message, fields?.field]),
    error: (message) => said.push([message]),
  };
  return { said, telemetry: telemetry as Telemetry };
}

test('each record that shows it counts, in all and by its source', async () => {
  const lake = new MemoryLake();
  const watch = new DriftWatch(['billing'], lake.port(), () => NOW);
  for (const one of [drift('billing', '/a'), drift('billing', '/a'), drift('stranger', '/b')]) watch.add(one);
  const { said, telemetry } = told();
  await reportDrift(telemetry, watch);
  expect(said).toEqual([
    ['drift', '/a'],
    ['drift', '/b'],
    [METRIC.driftFields, 3],
    [METRIC.driftFields, 'source', 'billing', 2],
    [METRIC.driftFields, 'source', 'other', 1],
  ]);
  expect(lake.objects.size).toBe(2);
  await reportDrift(telemetry, watch);
  expect(said.slice(5)).toEqual([[METRIC.driftFields, 0]]);
});

test('a lake that takes no examples holds nothing up', async () => {
  const down = new Faults(() => 'before');
  const watch = new DriftWatch(['billing'], new MemoryLake().port(down), () => NOW);
  watch.add(drift('billing', '/a'));
  const { said, telemetry } = told();
  await reportDrift(telemetry, watch);
  expect(said).toContainEqual([METRIC.driftFields, 'source', 'billing', 1]);
  expect(said.at(-1)).toEqual([expect.stringMatching(/^examples of drift are not kept/)]);
});
