import { Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { DataKey } from '../foundation/data-key.ts';
import { deadLetterQueue } from '../foundation/dead-letters.ts';
import type { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import { addDeadLetterAlarm } from '../monitoring/function-alarms.ts';

/**
 * Tells the alarm topic of each failed run. Glue has no metric of it, but an event. The topic lets rules in without a condition:
 * "You can't use of Condition blocks in Amazon SNS topic policies for EventBridge"
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html).
 * @param rule what the alarm is called by that watches whether they could be told, unique in the deployment
 */
export function tellFailures(
  scope: Construct,
  { alarms, alarmTopic, key }: { readonly alarms: AlarmRegistry; readonly alarmTopic: ITopic; readonly key: DataKey },
  jobNames: readonly string[],
  rule: string,
): void {
  const undelivered = deadLetterQueue(scope, 'Undelivered', key);
  new Rule(scope, 'JobFailed', {
    description: 'CRITICAL: a Glue job failed. Runbook: docs/runbook.md#glue-job-failed',
    eventPattern: {
      source: ['aws.glue'],
      detailType: ['Glue Job State Change'],
      detail: { jobName: [...jobNames], state: ['FAILED', 'TIMEOUT', 'ERROR'] },
    },
    targets: [new SnsTopic(alarmTopic, { deadLetterQueue: undelivered })],
  });
  addDeadLetterAlarm(alarms, rule, undelivered, 'The failure of a Glue job could not be told');
}
