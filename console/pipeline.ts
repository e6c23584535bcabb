import {
  type CloudWatchClient,
  type Metric,
  paginateGetMetricData,
  paginateListMetrics,
} from '@aws-sdk/client-cloudwatch';
import { DescribeStreamSummaryCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import { DescribeEndpointCommand, ListModelPackagesCommand, type SageMakerClient } from '@aws-sdk/client-sagemaker';
import { DAY } from '../core/values/time.ts';
import { DIMENSION, METRIC, METRIC_NAMESPACE } from '../names/metrics.ts';
import type { PipelineAnswer } from './types.ts';

const QUERIES_PER_CALL = 500;

export interface Counts {
  /** Sum by metric name over all services. */
  readonly counts: Readonly<Record<string, number>>;
  /** Sum by `service/metric`. */
  readonly byService: Readonly<Record<string, number>>;
  /** Quarantined records by reason. */
  readonly quarantined: Readonly<Record<string, number>>;
}

/** The value of a metric's dimension; undefined where it has none of that name. */
export const dimensionOf = (metric: Metric, dimension: string) =>
  metric.Dimensions?.find(({ Name }) => Name === dimension)?.Value;

/** Sums of a deployment's count metrics from `from` (ms UTC, at most two weeks ago) until now. */
export async function readCounts(
  client: CloudWatchClient,
  { stage, useCase }: { readonly stage: string; readonly useCase: string },
  from: number,
): Promise<Counts> {
  const names = new Set<string>(Object.values(METRIC));
  const metrics = (await listMetrics(client)).filter(
    (metric) =>
      names.has(metric.MetricName ?? '') &&
      // What is counted by source stands in a table of its own.
      dimensionOf(metric, DIMENSION.source) === undefined &&
      dimensionOf(metric, DIMENSION.stage) === stage &&
      dimensionOf(metric, DIMENSION.useCase) === useCase,
  );
  const counts: Record<string, number> = {};
  const byService: Record<string, number> = {};
  const quarantined: Record<string, number> = {};
  for (let at = 0; at < metrics.length; at += QUERIES_PER_CALL) {
    const batch = metrics.slice(at, at + QUERIES_PER_CALL);
    const sums = await sumsOf(client, batch, from);
    for (const [index, metric] of batch.entries()) {
      const sum = sums[index] ?? 0;
      const name = metric.MetricName ?? '';
      const reason = dimensionOf(metric, DIMENSION.reason);
      if (reason !== undefined) quarantined[reason] = (quarantined[reason] ?? 0) + sum;
      else {
        counts[name] = (counts[name] ?? 0) + sum;
        const key = `${dimensionOf(metric, DIMENSION.service)}/${name}`;
        byService[key] = (byService[key] ?? 0) + sum;
      }
    }
  }
  return { counts, byService, quarantined };
}

/** All metrics of ours that have ever been emitted here. */
export async function listMetrics(client: CloudWatchClient): Promise<Metric[]> {
  const metrics: Metric[] = [];
  for await (const { Metrics = [] } of paginateListMetrics({ client }, { Namespace: METRIC_NAMESPACE }))
    metrics.push(...Metrics);
  return metrics;
}

async function sumsOf(client: CloudWatchClient, metrics: readonly Metric[], from: number): Promise<number[]> {
  const sums = new Array<number>(metrics.length).fill(0);
  const query = {
    MetricDataQueries: metrics.map((metric, index) => ({
      Id: `m${index}`,
      MetricStat: { Metric: metric, Period: 3600, Stat: 'Sum' },
    })),
    StartTime: new Date(Math.floor(from / DAY) * DAY),
    EndTime: new Date(Date.now() + 60_000),
  };
  for await (const { MetricDataResults = [] } of paginateGetMetricData({ client }, query))
    for (const result of MetricDataResults) {
      const index = Number(result.Id?.slice(1));
      sums[index] = (result.Values ?? []).reduce((sum, value) => sum + value, sums[index] ?? 0);
    }
  return sums;
}

/** The state of the endpoint; null while there is none. */
export async function readEndpoint(client: SageMakerClient, name: string): Promise<PipelineAnswer['endpoint']> {
  try {
    const { EndpointStatus } = await client.send(new DescribeEndpointCommand({ EndpointName: name }));
    return { name, status: EndpointStatus ?? 'Unknown' };
  } catch (error) {
    // SageMaker answers ValidationException with this text for an endpoint that does not exist.
    if (error instanceof Error && /could not find/i.test(error.message)) return null;
    throw error;
  }
}

/** The newest model in the registry; null while there is none. */
export async function readModel(client: SageMakerClient, group: string): Promise<PipelineAnswer['model']> {
  const { ModelPackageSummaryList } = await client.send(
    new ListModelPackagesCommand({
      ModelPackageGroupName: group,
      SortBy: 'CreationTime',
      SortOrder: 'Descending',
      MaxResults: 1,
    }),
  );
  const newest = ModelPackageSummaryList?.[0];
  if (!newest) return null;
  return {
    version: String(newest.ModelPackageVersion ?? ''),
    approval: newest.ModelApprovalStatus ?? 'Unknown',
    created: newest.CreationTime?.getTime() ?? 0,
  };
}

/** Open shards of the stream. */
export async function readShards(client: KinesisClient, streamName: string): Promise<number> {
  const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName: streamName }));
  return StreamDescriptionSummary?.OpenShardCount ?? 0;
}
