/** Drift that a function found, as its metrics, its log and the lake have it. */
import type { DriftWatch } from '../../engine/ingest/drift.ts';
import { DIMENSION, METRIC } from '../../names/metrics.ts';
import type { Telemetry } from './telemetry.ts';

/** Counts what differs from the contracts, and keeps its names and types; events do not wait for that. */
export async function reportDrift(telemetry: Telemetry, drift: DriftWatch): Promise<void> {
  const found = drift.take();
  const bySource = new Map<string, number>();
  for (const { records, schema_version, field, allowed, ...one } of found) {
    const source = drift.label(one);
    bySource.set(source, (bySource.get(source) ?? 0) + records);
    telemetry.info('drift', { ...one, schema_version: schema_version ?? '', field: field ?? '', records });
  }
  telemetry.count(
    METRIC.driftFields,
    [...bySource.values()].reduce((sum, n) => sum + n, 0),
  );
  for (const [source, n] of bySource) telemetry.countBy(METRIC.driftFields, DIMENSION.source, source, n);
  try {
    await drift.keep(found);
  } catch (error) {
    telemetry.error('examples of drift are not kept; the next batch that shows them tries again', error);
  }
}
