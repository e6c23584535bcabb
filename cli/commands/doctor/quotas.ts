import {
  paginateListAWSDefaultServiceQuotas,
  paginateListServiceQuotas,
  type ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import type { StageConfig } from '../../../lib/config/stage-config.ts';
import { checked, type Finding, ok, todo } from './finding.ts';

/** A new Kinesis stream on demand has four shards; a new table on demand has as many partitions, and so streams. */
const ON_DEMAND_SHARDS = 4;
/** Beside the streams: API, sweep, notifier, gate. */
const OTHERS = 10;

export interface Need {
  readonly service: 'sagemaker' | 'lambda';
  /** As Service Quotas calls it: of SageMaker's the codes stand in no document, so all are found by name. */
  readonly quota: string;
  readonly count: number;
  readonly why: string;
}

/** What a stage needs at most at once; other applications of the account count too. */
export function needsOf(stage: StageConfig): Need[] {
  const { endpoint, training, stream, processor, archiver, scorer, publisher } = stage;
  const shards = stream.mode === 'provisioned' ? stream.shards : ON_DEMAND_SHARDS;
  const readers =
    shards * (processor.parallelizationFactor + archiver.parallelizationFactor) +
    ON_DEMAND_SHARDS * (scorer.parallelizationFactor + publisher.parallelizationFactor);
  return [
    {
      service: 'sagemaker',
      quota: `${endpoint.instanceType} for endpoint usage`,
      count: 2 * endpoint.instances,
      why: 'an update runs a new fleet beside the old one',
    },
    {
      service: 'sagemaker',
      quota: `${training.instanceType} for training job usage`,
      count: 1,
      why: 'one training at a time',
    },
    {
      service: 'lambda',
      quota: 'Concurrent executions',
      count: readers + OTHERS,
      why: `${readers} readers of streams, and API, sweep and notifier`,
    },
  ];
}

export async function quotaFindings(client: ServiceQuotasClient, stage: StageConfig): Promise<Finding[]> {
  const needs = needsOf(stage);
  return Promise.all(
    needs.map((need) =>
      checked(`Quota ${need.quota}`, 'servicequotas:ListServiceQuotas', async () =>
        quotaFinding(need, await quotaValue(client, need)),
      ),
    ),
  );
}

/** @param value undefined: Service Quotas knows no such quota */
export function quotaFinding({ service, quota, count, why }: Need, value: number | undefined): Finding {
  const subject = `Quota ${quota}`;
  if (value === undefined)
    return todo(
      subject,
      'not known to Service Quotas',
      'Is there this instance type in the region? Look at lib/config/.',
    );
  if (value >= count) return ok(subject, `${value}, needed ${count}`);
  return todo(
    subject,
    `${value}, needed ${count} (${why})`,
    `In Service Quotas, ${service === 'lambda' ? 'AWS Lambda' : 'Amazon SageMaker'}, request ${count} for "${quota}"; it can take days.`,
  );
}

/** The value applied to the account, else AWS's default: a quota that was never changed may be in the second list only. */
async function quotaValue(client: ServiceQuotasClient, { service, quota }: Need): Promise<number | undefined> {
  const query = { ServiceCode: service, MaxResults: 100 };
  for await (const { Quotas = [] } of paginateListServiceQuotas({ client }, query)) {
    const found = Quotas.find(({ QuotaName }) => QuotaName === quota);
    if (found) return found.Value;
  }
  for await (const { Quotas = [] } of paginateListAWSDefaultServiceQuotas({ client }, query)) {
    const found = Quotas.find(({ QuotaName }) => QuotaName === quota);
    if (found) return found.Value;
  }
  return undefined;
}
