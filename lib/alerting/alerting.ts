import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterCriteria, FilterRule } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { NotifierEnv, PublisherEnv } from '../../lambdas/notifier/env.ts';
import { ALERT_KIND, OUTCOME_KIND, SUPPRESSED_KIND } from '../../names/keys.ts';
import { PREFIX } from '../../names/lake.ts';
import { METRIC, SERVICE } from '../../names/metrics.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { ScoreTable } from '../feature-store/tables.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { deadLetterQueue } from '../foundation/dead-letters.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { consumerProps } from '../ingestion/stream-consumer.ts';
import { type AlarmRegistry, QUIET } from '../monitoring/alarm-registry.ts';
import { NotificationTopic } from '../monitoring/alarm-topic.ts';
import { addDeadLetterAlarm, addErrorAlarm, addStreamAlarms } from '../monitoring/function-alarms.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';

export interface AlertingProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly key: DataKey;
  readonly scores: ScoreTable;
  readonly lake: Lake;
  /** Holds {"url": "<Slack webhook>"}. */
  readonly slackSecret: ISecret;
}

/** What the table's stream tells the publisher of: the end of each alert, and what people say of it. */
const KEPT_KINDS = [ALERT_KIND, SUPPRESSED_KIND, OUTCOME_KIND];

/** From the outbox to people: alert items → topic → Slack (and whoever else subscribes). */
export class Alerting extends Construct {
  readonly topic: NotificationTopic;
  readonly publisher: NodeFunction<PublisherEnv>;
  readonly notifier: NodeFunction<NotifierEnv>;

  constructor(scope: Construct, id: string, props: AlertingProps) {
    super(scope, id);
    const { deployment, alarms, key } = props;
    this.topic = new NotificationTopic(this, 'Topic', {
      displayName: 'Tidemark alerts',
      key,
      emails: deployment.stage.alarms.emails,
    });
    this.publisher = this.makePublisher(props);
    this.notifier = this.makeNotifier(props);

    alarms.add('AlertSendFailures', {
      severity: 'critical',
      sentence: 'Slack did not take an alert in 15 minutes; it is tried again and then waits in the dead-letter queue.',
      runbook: 'alert-send-failures',
      metric: tidemarkMetric(deployment, SERVICE.notifier, METRIC.alertSendFailures, { period: Duration.minutes(15) }),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      missing: QUIET,
    });
  }

  private makePublisher({ deployment, alarms, key, scores, lake }: AlertingProps): NodeFunction<PublisherEnv> {
    const config = deployment.stage.publisher;
    const publisher = new NodeFunction<PublisherEnv>(this, 'Publisher', {
      deployment,
      service: SERVICE.publisher,
      entry: 'notifier/publish.ts',
      description: 'Hands alerts from the outbox to the topic, and to the lake what becomes of them',
      memoryMiB: config.memoryMiB,
      timeoutSeconds: config.timeoutSeconds,
      invocation: { kind: 'stream' },
      environment: { ALERT_TOPIC_ARN: this.topic.topicArn, LAKE_BUCKET: lake.bucket.bucketName },
    });
    publisher.allow(['sns:Publish'], [this.topic.topicArn]);
    lake.grantPut(publisher, PREFIX.alerts, PREFIX.outcomes);
    key.grantUse(publisher);
    const source = new DynamoEventSource(scores.table, {
      ...consumerProps(config, lake),
      filters: [
        FilterCriteria.filter({
          eventName: FilterRule.isEqual('INSERT'),
          dynamodb: { Keys: { kind: { S: KEPT_KINDS.flatMap(FilterRule.beginsWith) } } },
        }),
      ],
    });
    publisher.function.addEventSource(source);
    addStreamAlarms(alarms, 'Publisher', {
      function: publisher.function,
      mapping: source.eventSourceMappingId,
      stage: deployment.stage,
      consequence: 'alerts do not reach people',
    });
    return publisher;
  }

  private makeNotifier({ deployment, alarms, key, scores, slackSecret }: AlertingProps): NodeFunction<NotifierEnv> {
    const config = deployment.stage.notifier;
    const notifier = new NodeFunction<NotifierEnv>(this, 'Notifier', {
      deployment,
      service: SERVICE.notifier,
      entry: 'notifier/handler.ts',
      description: 'Claims an alert, posts it to Slack, marks it as sent',
      memoryMiB: config.memoryMiB,
      timeoutSeconds: config.timeoutSeconds,
      invocation: { kind: 'asynchronous', key },
      environment: {
        SCORES_TABLE: scores.table.tableName,
        SLACK_SECRET_ARN: slackSecret.secretArn,
        WEBHOOKS: deployment.stage.cloud === 'local' ? 'loopback' : 'https',
      },
    });
    scores.grantClaim(notifier);
    notifier.allow(['secretsmanager:GetSecretValue'], [slackSecret.secretArn]);
    const undelivered = deadLetterQueue(this, 'Undelivered', key);
    this.topic.addSubscription(new LambdaSubscription(notifier.function, { deadLetterQueue: undelivered }));
    addErrorAlarm(alarms, 'Notifier', notifier.function, 'Alerts are sent late or not at all.');
    addDeadLetterAlarm(alarms, 'Notifier', notifier.deadLetters ?? undelivered, 'An alert could not be sent to Slack');
    addDeadLetterAlarm(alarms, 'AlertTopic', undelivered, 'The alert topic could not invoke the notifier');
    return notifier;
  }
}
