import { Annotations, Duration } from 'aws-cdk-lib';
import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
import { KinesisEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import type { RejectionReason } from '../../core/ir/rejection.ts';
import type { Env } from '../../lambdas/processor/env.ts';
import { PREFIX } from '../../names/lake.ts';
import { METRIC, SERVICE } from '../../names/metrics.ts';
import type { Lake } from '../feature-store/lake.ts';
import { stateSizeWarnings } from '../feature-store/state-size.ts';
import type { OnlineTable } from '../feature-store/tables.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { addStreamAlarms } from '../monitoring/function-alarms.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import type { EventStream } from './event-stream.ts';
import { consumerProps } from './stream-consumer.ts';

/** What each rejection means, for the alarm of that reason. A new reason does not compile until it has a sentence. */
export const QUARANTINE_SENTENCES = {
  INVALID_UTF8: 'Records arrive that are not valid UTF-8',
  MALFORMED_JSON: 'Records arrive that are not valid JSON',
  NOT_AN_OBJECT: 'Records arrive whose JSON is not an object',
  OVERSIZE: 'Records arrive that are larger than an event may be',
  TOO_DEEP: 'Records arrive whose JSON is nested deeper than an event may be',
  MALFORMED_AGGREGATE: 'Records arrive that look aggregated by the Kinesis Producer Library and cannot be read',
  TOO_MANY_EVENTS: 'Records arrive with more parts than events could fit into them',
  FORBIDDEN_KEY:
    'Records arrive with keys that could change objects (such as __proto__): an attack or a broken producer',
  MISSING_FIELD: 'Events arrive without a field that their contract requires',
  INVALID_FIELD: 'Events arrive with a field of another type than their contract says',
  UNKNOWN_EVENT_TYPE: 'Events arrive with a type that no contract knows: a producer was released before its contract',
  UNSUPPORTED_SCHEMA_VERSION: 'Events arrive in a schema version that no contract knows',
  MISSING_ENTITY: 'Events arrive that are about nobody',
  INVALID_EVENT_TIME: 'Events arrive whose time is unreadable or has no zone',
  EVENT_TIME_IN_FUTURE: 'Events arrive from the future: the clock of a producer is wrong',
  OUT_OF_RANGE: 'Events arrive with values outside the range of their contract',
  NOT_IN_ENUM: 'Events arrive with categories that their contract does not know',
  DECIMAL_OVERFLOW: 'Events arrive with amounts that cannot be kept exactly',
  DUPLICATE_EVENT_ID: 'Producers send events again under an id that was already counted',
  INVALID_ENVELOPE: 'Records of a source arrive that are not in the shape that its provider documents',
} as const satisfies Record<RejectionReason, string>;

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
        LANES: String(config.parallelizationFactor),
        CUTOVER_AFTER_SECONDS: String(config.cutoverAfterSeconds),
      },
    });
    features.grantApply(this.fn);
    for (const sentence of stateSizeWarnings(deployment.useCase.ir))
      Annotations.of(this).addWarningV2('tidemark:state-size', sentence);
    lake.grantPut(this.fn, PREFIX.quarantine, PREFIX.drift);
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
    for (const [reason, sentence] of Object.entries(QUARANTINE_SENTENCES)) {
      // Sources' functions say that, of what never came to the stream.
      if (reason === 'INVALID_ENVELOPE') continue;
      alarms.add(`Quarantine${pascalCase(reason)}`, {
        ...once,
        severity: 'warning',
        sentence: `${sentence}; at least ${thresholds.quarantinedRecords} in 15 minutes went to the quarantine as ${reason}.`,
        runbook: 'quarantine',
        metric: tidemarkMetric(deployment, SERVICE.processor, METRIC.quarantined, { period, reason }),
        threshold: thresholds.quarantinedRecords,
      });
    }
    alarms.add('SchemaDrift', {
      ...once,
      severity: 'warning',
      sentence:
        'Events are not as their contracts have them (unknown, lost or retyped fields, new values, types or versions): a producer changed its schema.',
      runbook: 'schema-drift',
      metric: tidemarkMetric(deployment, SERVICE.processor, METRIC.driftFields, { period }),
      threshold: thresholds.driftFields,
    });
    alarms.add('StateWriteConflicts', {
      ...once,
      severity: 'warning',
      sentence: `Conditional writes of states lost more than ${thresholds.writeConflicts} times in 15 minutes: two writers work on the same entities.`,
      runbook: 'state-write-conflicts',
      metric: tidemarkMetric(deployment, SERVICE.processor, METRIC.stateWriteConflicts, { period }),
      threshold: thresholds.writeConflicts,
    });
    alarms.add('EventsDoubled', {
      ...once,
      severity: 'warning',
      sentence:
        'A new view version counted events that its backfill had counted too: copies of a producer, around its cutover.',
      runbook: 'events-doubled',
      metric: tidemarkMetric(deployment, SERVICE.processor, METRIC.eventsDoubled, { period }),
      threshold: 1,
    });
    alarms.add('StatesUnreadable', {
      ...once,
      severity: 'critical',
      sentence: 'States cannot be read: newer code wrote them, or they are damaged; their entities stand still.',
      runbook: 'states-unreadable',
      metric: tidemarkMetric(deployment, SERVICE.processor, METRIC.statesUnreadable, { period }),
      threshold: 1,
    });
  }
}
