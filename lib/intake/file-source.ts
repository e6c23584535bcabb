import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/intake-files/env.ts';
import { MAX_FILE_BYTES } from '../../names/limits.ts';
import { METRIC, SERVICE } from '../../names/metrics.ts';
import { landingPrefix } from '../../names/sources.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { acknowledge, explainWildcards } from '../foundation/wildcards.ts';
import { QUIET } from '../monitoring/alarm-registry.ts';
import { addDeadLetterAlarm, addErrorAlarm } from '../monitoring/function-alarms.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import { grantIntake, intakeEnvironment, type SourceProps } from './intake-source.ts';
import { FILES_TIMEOUT_SECONDS, type Landing } from './landing.ts';

/** Files at once: S3 mostly notifies of one at a time, and access logs come in many small ones. */
const BATCH = 5;
/** Fewer than two calls at once are not to be had of an SQS mapping. */
const LEAST_CONCURRENCY = 2;

/** A source that puts files into a bucket: what lands below `landing/<source>/` is read, row by row. */
export class FileSource extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: SourceProps & { readonly landing: Landing }) {
    super(scope, id);
    const { deployment, alarms, source, key, landing } = props;
    const { memoryMiB, concurrency } = deployment.stage.intake;
    const { queue, deadLetters } = landing.queues[source.name]!;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.intakeFiles,
      entry: 'intake-files/handler.ts',
      description: `Reads the files of ${source.name}`,
      memoryMiB,
      timeoutSeconds: FILES_TIMEOUT_SECONDS,
      mapModule: source.map_with,
      invocation: { kind: 'stream' },
      environment: intakeEnvironment(props, 'files'),
    });
    grantIntake(this.fn, props);
    const objects = landing.bucket.arnForObjects(`${landingPrefix(source.name)}*`);
    this.fn.allow(['s3:GetObject'], [objects]);
    explainWildcards(this.fn.role, {
      finding: new RegExp(`^Resource::\\S*/${landingPrefix(source.name)}\\*$`),
      reason: 'Who sends the files names them; the statement is limited to the folder of this source.',
    });
    key.grantDecrypt(this.fn);
    this.fn.function.addEventSource(
      new SqsEventSource(queue, {
        batchSize: BATCH,
        reportBatchItemFailures: true,
        // Not by reserved concurrency, which would throttle the mapping's pollers and use up the receives of its messages.
        maxConcurrency: concurrency === 0 ? undefined : Math.max(LEAST_CONCURRENCY, concurrency),
      }),
    );
    acknowledge(this.fn.function, {
      id: 'Serverless-LambdaEventSourceMappingDestination',
      reason: 'SQS mappings have none: what failed five times goes to the dead-letter queue of the queue itself.',
    });
    const name = `${pascalCase(source.name)}Files`;
    addErrorAlarm(alarms, name, this.fn.function, 'Its files are read again.');
    addDeadLetterAlarm(alarms, name, deadLetters, `Files of ${source.name} could not be read or taken after 5 tries`);
    alarms.add(`${name}TooLarge`, {
      severity: 'warning',
      sentence: `A file of ${source.name} is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB and was left where it is: the import job has to read it.`,
      runbook: 'file-too-large',
      metric: tidemarkMetric(deployment, SERVICE.intakeFiles, METRIC.intakeFilesTooLarge, {
        period: Duration.minutes(5),
        source: source.name,
      }),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      missing: QUIET,
    });
  }
}
