import { type CloudWatchClient, type Metric, paginateGetMetricData } from '@aws-sdk/client-cloudwatch';
import { DIMENSION, METRIC, type MetricName } from '../names/metrics.ts';
import { dimensionOf, listMetrics } from './pipeline.ts';
import type { SourceRow } from './types.ts';

/** What the rate is counted over. */
const RATE_MINUTES = 15;
const MINUTE_MS = 60_000;
const QUERIES_PER_CALL = 500;

interface Asked {
  readonly metric: Metric;
  readonly stat: 'Sum' | 'Maximum';
  /** ms UTC. */
  readonly from: number;
  /** Seconds of a value. */
  readonly period: number;
}

/**
 * What each source has sent, by its name: a row for each service that takes what comes of it.
 * @param since ms UTC, at most two weeks ago
 */
export async function readSources(
  client: CloudWatchClient,
  { stage, useCase }: { readonly stage: string; readonly useCase: string },
  since: number,
): Promise<SourceRow[]> {
  const own = (await listMetrics(client)).filter(
    (metric) =>
      dimensionOf(metric, DIMENSION.source) !== undefined &&
      dimensionOf(metric, DIMENSION.stage) === stage &&
      dimensionOf(metric, DIMENSION.useCase) === useCase,
  );
  const whole = own.map((metric): Asked => {
    const stat = metric.MetricName === METRIC.intakeLagMs ? 'Maximum' : 'Sum';
    return { metric, stat, from: since, period: 3600 };
  });
  const lately = own
    .filter(({ MetricName }) => MetricName === METRIC.intakeEvents)
    .map((metric): Asked => ({ metric, stat: 'Sum', from: Date.now() - RATE_MINUTES * MINUTE_MS, period: 60 }));
  const [all, recent] = [await valuesOf(client, whole), await valuesOf(client, lately)];
  const keys = new Map<string, { source: string; service: string }>();
  for (const metric of own) {
    const [source = '', service = ''] = [dimensionOf(metric, DIMENSION.source), dimensionOf(metric, DIMENSION.service)];
    // What its events lack when they are admitted is no way by which they come.
    if (metric.MetricName !== METRIC.driftFields) keys.set(`${source} ${service}`, { source, service });
  }
  const read = (
    asked: readonly Asked[],
    values: readonly number[],
    name: MetricName,
    source: string,
    service?: string,
  ) =>
    asked.reduce((sum, { metric }, i) => {
      const is =
        metric.MetricName === name &&
        dimensionOf(metric, DIMENSION.source) === source &&
        (service === undefined || dimensionOf(metric, DIMENSION.service) === service);
      return is ? sum + values[i]! : sum;
    }, 0);
  return [...keys.values()]
    .sort((a, b) => a.source.localeCompare(b.source) || a.service.localeCompare(b.service))
    .map(({ source, service }) => ({
      source,
      service,
      events: read(whole, all, METRIC.intakeEvents, source, service),
      per_minute: read(lately, recent, METRIC.intakeEvents, source, service) / RATE_MINUTES,
      lag_ms: read(whole, all, METRIC.intakeLagMs, source, service),
      refused: read(whole, all, METRIC.intakeRefused, source, service),
      ignored: read(whole, all, METRIC.intakeIgnored, source, service),
      failed: read(whole, all, METRIC.intakeFailed, source, service),
      gaps: read(whole, all, METRIC.intakeGaps, source, service),
      drift: read(whole, all, METRIC.driftFields, source),
    }));
}

/** Of each metric its sum, or its highest value. */
async function valuesOf(client: CloudWatchClient, asked: readonly Asked[]): Promise<number[]> {
  const values = asked.map(() => 0);
  for (let at = 0; at < asked.length; at += QUERIES_PER_CALL) {
    const part = asked.slice(at, at + QUERIES_PER_CALL);
    const query = {
      MetricDataQueries: part.map(({ metric, stat, period }, i) => ({
        Id: `m${at + i}`,
        MetricStat: { Metric: metric, Period: period, Stat: stat },
      })),
      StartTime: new Date(Math.min(...part.map(({ from }) => from))),
      EndTime: new Date(Date.now() + MINUTE_MS),
    };
    for await (const { MetricDataResults = [] } of paginateGetMetricData({ client }, query))
      for (const { Id, Values = [] } of MetricDataResults) {
        const i = Number(Id?.slice(1));
        values[i] =
          asked[i]!.stat === 'Sum'
            ? Values.reduce((sum, one) => sum + one, values[i]!)
            : Math.max(values[i]!, ...Values);
      }
  }
  return values;
}
