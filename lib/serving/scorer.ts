import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterCriteria, FilterRule } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/scorer/env.ts';
import { PREFIX } from '../../names/lake.ts';
import { METRIC, SERVICE } from '../../names/metrics.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { OnlineTable, ScoreTable } from '../feature-store/tables.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { consumerProps } from '../ingestion/stream-consumer.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { addStreamAlarms } from '../monitoring/function-alarms.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import type { ServedModel } from './in-process-model.ts';
import { recordingVariables } from './scoring-variables.ts';

export interface ScorerProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly features: OnlineTable;
  readonly scores: ScoreTable;
  readonly lake: Lake;
  readonly endpoint: ServedModel;
}

/** DynamoDB stream of states → scores, and alerts into the outbox. */
export class Scorer extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: ScorerProps) {
    super(scope, id);
    const { deployment, alarms, features, scores, lake, endpoint } = props;
    const { stage } = deployment;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.scorer,
      entry: 'scorer/handler.ts',
      description: 'Scores entities whose state changed and decides alerts',
      memoryMiB: stage.scorer.memoryMiB,
      timeoutSeconds: stage.scorer.timeoutSeconds,
      invocation: { kind: 'stream' },
      environment: recordingVariables(props),
    });
    features.grantReadTombstones(this.fn);
    scores.grantRecord(this.fn);
    lake.grantPut(this.fn, PREFIX.predictions, PREFIX.exposures);
    endpoint.grantScore(this.fn);

    const source = new DynamoEventSource(features.table, {
      ...consumerProps(stage.scorer, lake),
      // Only state items have a `state`: clock and fence items, and deletions by expiry, are no reason to score.
      filters: [
        FilterCriteria.filter({
          eventName: FilterRule.or('INSERT', 'MODIFY'),
          dynamodb: { NewImage: { state: { B: FilterRule.exists() } } },
        }),
      ],
    });
    this.fn.function.addEventSource(source);

    addStreamAlarms(alarms, 'Scorer', {
      function: this.fn.function,
      mapping: source.eventSourceMappingId,
      stage,
      consequence: 'changed customers are not scored',
    });
    // By the clock of a replay, whose days pass in seconds, every score is hours late.
    if (stage.clock === 'wall') this.addFreshnessAlarm(props);
    this.addRefusalAlarms(props);
    this.addChallengerAlarm(props);
    if (deployment.useCase.ir.alerts?.guard) this.addDoubtAlarms(props);
  }

  /** One message about the model in the place of thousands about customers. */
  private addDoubtAlarms({ alarms, deployment }: ScorerProps): void {
    for (const [name, service] of [
      ['Scorer', SERVICE.scorer],
      ['Sweep', SERVICE.sweep],
    ] as const)
      alarms.add(`${name}ModelDoubted`, {
        severity: 'critical',
        sentence: `${name} finds more scores above the threshold than the guard of the use case believes: nobody is told of customers until that ends.`,
        runbook: 'model-doubted',
        metric: tidemarkMetric(deployment, service, METRIC.modelDoubted, { period: Duration.minutes(5) }),
        threshold: 1,
        comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: 1,
        missing: QUIET,
      });
  }

  private addFreshnessAlarm({ alarms, deployment }: ScorerProps): void {
    alarms.add('ScoresStale', {
      severity: 'warning',
      sentence: `From the arrival of an event to its score it takes more than ${deployment.stage.alarms.freshnessSeconds} s (99th percentile, 15 minutes).`,
      runbook: 'freshness',
      metric: tidemarkMetric(deployment, SERVICE.scorer, METRIC.freshnessMs, {
        period: Duration.minutes(5),
        statistic: Stats.percentile(99),
      }),
      threshold: deployment.stage.alarms.freshnessSeconds * 1000,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 3,
      missing: {
        treat: TreatMissingData.IGNORE,
        because: 'with no events there is no age to measure; the lag alarms see a scorer that stopped',
      },
    });
  }

  /** The champion answers for it, so nobody goes without a score: it is the experiment that is spoilt. */
  private addChallengerAlarm({ alarms, deployment }: ScorerProps): void {
    alarms.add('ChallengerFailing', {
      severity: 'warning',
      sentence:
        'The challenger of an experiment fails in two periods of three: its entities are scored by the champion.',
      runbook: 'challenger-failing',
      metric: tidemarkMetric(deployment, SERVICE.scorer, METRIC.challengerFailed, { period: Duration.minutes(5) }),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      missing: QUIET,
    });
  }

  private addRefusalAlarms({ alarms, deployment }: ScorerProps): void {
    // A sweep runs once an hour: it can't refuse in three periods of five minutes on end.
    for (const [name, service, evaluationPeriods] of [
      ['Scorer', SERVICE.scorer, 3],
      ['Sweep', SERVICE.sweep, 1],
    ] as const) {
      alarms.add(`${name}ScoresRefused`, {
        severity: 'critical',
        sentence: `${name} refuses to score: model and features disagree, or the endpoint or the fence of a finished backfill is gone.`,
        runbook: 'scores-refused',
        metric: tidemarkMetric(deployment, service, METRIC.scoreRefused, { period: Duration.minutes(5) }),
        threshold: 1,
        comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods,
        missing: QUIET,
      });
      // The processor sees the state of a customer only with an event of theirs.
      alarms.add(`${name}StatesUnreadable`, {
        severity: 'critical',
        sentence: `${name} meets states that cannot be read: newer code wrote them, or they are damaged; nobody scores their entities.`,
        runbook: 'states-unreadable',
        metric: tidemarkMetric(deployment, service, METRIC.statesUnreadable, { period: Duration.minutes(5) }),
        threshold: 1,
        comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: 1,
        missing: QUIET,
      });
    }
  }
}
