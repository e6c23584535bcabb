import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { KinesisEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import type { RejectionReason } from '../../core/rejection.ts';
import type { Env } from '../../lambdas/processor/env.ts';
import { type Lake, PREFIX } from '../feature-store/lake.ts';
import type { OnlineTable } from '../feature-store/tables.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { addStreamAlarms } from '../monitoring/function-alarms.ts';
import { METRIC, SERVICE } from '../monitoring/metric-names.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import type { EventStream } from './event-stream.ts';
import { consumerProps } from './stream-consumer.ts';

/**
 * What kind of fault each rejection is: people act on the kind (ask the producer, look at a clock), so that is what
 * alarms. A new reason does not compile until it has a kind.
 */
export const QUARANTINE_KINDS = {
  INVALID_UTF8: 'Corrupt',
  MALFORMED_JSON: 'Corrupt',
  NOT_AN_OBJECT: 'Corrupt',
  OVERSIZE: 'Corrupt',
  FORBIDDEN_KEY: 'Corrupt',
  MISSING_FIELD: 'Schema',
  INVALID_FIELD: 'Schema',
  UNKNOWN_EVENT_TYPE: 'Schema',
  UNSUPPORTED_SCHEMA_VERSION: 'Schema',
  MISSING_ENTITY: 'Schema',
  INVALID_EVENT_TIME: 'Clock',
  EVENT_TIME_IN_FUTURE: 'Clock',
  OUT_OF_RANGE: 'Value',
  NOT_IN_ENUM: 'Value',
  DECIMAL_OVERFLOW: 'Value',
  DUPLICATE_EVENT_ID: 'Duplicate',
} as const satisfies Record<RejectionReason, string>;

const KIND_SENTENCES = {
  Corrupt: 'Records arrive that are no readable events (encoding, JSON, size or forbidden keys)',
  Schema: 'Records arrive that break their contract (type, version or fields): a producer was probably released',
  Clock: 'Records arrive whose event time is missing, without zone or in the future: a producer clock is wrong',
  Value: 'Records arrive with values outside of their contract (range, enum or precision)',
  Duplicate: 'Producers send events again under an id that was already counted',
} as const satisfies Record<(typeof QUARANTINE_KINDS)[RejectionReason], string>;

export interface ProcessorProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly stream: EventStream;
  readonly features: OnlineTable;
  readonly lake: Lake;
}

/** Kinesis → contracts → states in the online table; what breaks its contract goes to the quarantine. */
export class Processor extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: ProcessorProps) {
    super(scope, id);
    const { deployment, alarms, stream, features, lake } = props;
    const config = deployment.stage.processor;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.processor,
      entry: 'processor/handler.ts',
      description: 'Checks events, folds them into states, quarantines what breaks its contract',
      memoryMiB: config.memoryMiB,
      timeoutSeconds: config.timeoutSeconds,
      invocation: { kind: 'stream' },
      environment: {
        FEATURES_TABLE: features.table.tableName,
        LAKE_BUCKET: lake.bucket.bucketName,
        STREAM_NAME: stream.stream.streamName,
      },
    });
    features.grantApply(this.fn);
    lake.grantPut(this.fn, PREFIX.quarantine);
    stream.grantPut(this.fn);

    const source = new KinesisEventSource(stream.stream, consumerProps(config, lake));
    this.fn.function.addEventSource(source);
    addStreamAlarms(alarms, 'Processor', {
      function: this.fn.function,
      mapping: source.eventSourceMappingId,
      stage: deployment.stage,
      consequence: 'events are not counted in the features',
    });
    this.addDataAlarms(deployment, alarms);
  }

  private addDataAlarms(deployment: Deployment, alarms: AlarmRegistry): void {
    const thresholds = deployment.stage.alarms;
    const period = Duration.minutes(15);
    const once = {
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      missing: QUIET,
    };
    for (const [kind, sentence] of Object.entries(KIND_SENTENCES)) {
      const reasons = Object.entries(QUARANTINE_KINDS).flatMap(([reason, of]) => (of === kind ? [reason] : []));
      const usingMetrics = Object.fromEntries(
        reasons.map((reason, index) => [
          `m${index}`,
          tidemarkMetric(deployment, SERVICE.processor, METRIC.quarantined, { period, reason, label: reason }),
        ]),
      );
      alarms.add(`Quarantine${kind}`, {
        ...once,
        severity: 'warning',
        sentence: `${sentence}; at least ${thresholds.quarantinedRecords} in 15 minutes went to the quarantine (${reasons.join(', ')}).`,
        runbook: 'quarantine',
        metric: new MathExpression({
          // A reason that was never seen has no data, and a sum with nothing would be nothing.
          expression: Object.keys(usingMetrics)
            .map((metric) => `FILL(${metric}, 0)`)
            .join(' + '),
          usingMetrics,
          period,
          label: kind,
        }),
        threshold: thresholds.quarantinedRecords,
      });
    }
    alarms.add('SchemaDrift', {
      ...once,
      severity: 'warning',
      sentence: 'Events carry fields that their contract does not know: a producer changed its schema.',
      runbook: 'schema-drift',
      metric: tidemarkMetric(deployment, SERVICE.processor, METRIC.unknownFields, { period }),
      threshold: thresholds.unknownFieldRecords,
    });
    alarms.add('StateWriteConflicts', {
      ...once,
      severity: 'warning',
      sentence: `Conditional writes of states lost more than ${thresholds.writeConflicts} times in 15 minutes: two writers work on the same entities.`,
      runbook: 'state-write-conflicts',
      metric: tidemarkMetric(deployment, SERVICE.processor, METRIC.stateWriteConflicts, { period }),
      threshold: thresholds.writeConflicts,
    });
  }
}
