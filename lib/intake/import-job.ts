/** What the jobs that import a source's tables have in common. */
import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnTrigger } from 'aws-cdk-lib/aws-glue';
import { JOBS, type SourceJobName } from '../../names/jobs.ts';
import { PREFIX } from '../../names/lake.ts';
import { METRIC } from '../../names/metrics.ts';
import type { SparkJob } from '../batch/spark-job.ts';
import type { OfflineCatalog } from '../feature-store/offline-catalog.ts';
import type { CodeAsset } from '../foundation/code-asset.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { QUIET } from '../monitoring/alarm-registry.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import type { SourceProps } from './intake-source.ts';

export interface ImportProps extends SourceProps {
  readonly catalog: OfflineCatalog;
  readonly sharedCode: CodeAsset;
  readonly useCase: CodeAsset;
  /** Lands the history. */
  readonly landing: SparkJob;
}

interface Reading {
  readonly schedule: string;
  readonly silentHours?: number | undefined;
}

/** What every import is told. */
export const importArguments = ({ features, stream, landing, source }: ImportProps) => ({
  table_features: features.table.tableName,
  stream_name: stream.stream.streamName,
  land_job: landing.job.jobName,
  source: source.name,
});

/** Exactly what it does: asks what is known and who was erased, keeps history, refusals and gaps, puts on the stream, lands. */
export function grantImport(job: SparkJob, { features, stream, lake, catalog, landing }: ImportProps): void {
  features.grantImportMark(job);
  features.grantReadTombstones(job);
  catalog.grantQuery(job);
  lake.grantPut(job, PREFIX.history, PREFIX.quarantine, PREFIX.sourceGaps);
  stream.grantPut(job);
  landing.grantRun(job);
}

/** Starts it by itself, and rings when the source lost something or has become silent. */
export function watchImport(
  job: SparkJob,
  name: SourceJobName,
  props: ImportProps,
  { schedule, silentHours }: Reading,
): void {
  const { deployment, alarms, source } = props;
  if (deployment.stage.clock === 'wall')
    new CfnTrigger(job, 'Schedule', {
      type: 'SCHEDULED',
      description: `Imports what is new of ${source.name}`,
      schedule,
      startOnCreation: true,
      actions: [{ jobName: job.job.jobName }],
    });
  const { service } = JOBS[name].metrics;
  const id = `${pascalCase(source.name)}${name === 'importTable' ? 'Table' : 'Jdbc'}`;
  alarms.add(`${id}Gap`, {
    severity: 'warning',
    sentence: `${source.name} has lost its place in the table: rows that were changed or deleted since may never come.`,
    runbook: 'table-gap',
    metric: tidemarkMetric(deployment, service, METRIC.intakeGaps, { period: Duration.days(1), source: source.name }),
    threshold: 1,
    comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    missing: QUIET,
  });
  if (silentHours === undefined) return;
  alarms.add(`${id}Silent`, {
    severity: 'warning',
    sentence: `${source.name} has brought no new event for as long as its stage allows: its features grow old.`,
    runbook: 'table-silent',
    metric: tidemarkMetric(deployment, service, METRIC.intakeEvents, {
      period: Duration.hours(silentHours),
      source: source.name,
    }),
    threshold: 1,
    comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
    evaluationPeriods: 1,
    missing: { treat: TreatMissingData.BREACHING, because: 'an import that does not run brings nothing either' },
  });
}
