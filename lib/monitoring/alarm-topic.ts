import { Aws } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { DataKey } from '../foundation/data-key.ts';
import { acknowledge } from '../foundation/wildcards.ts';

export interface NotificationTopicProps {
  readonly displayName: string;
  readonly key: DataKey;
  /** Each must confirm once. */
  readonly emails: readonly string[];
}

/** A topic for people: TLS only, encrypted with our key where the stage has one. */
export class NotificationTopic extends Topic {
  constructor(scope: Construct, id: string, props: NotificationTopicProps) {
    super(scope, id, { displayName: props.displayName, enforceSSL: true, masterKey: props.key.key });
    for (const email of props.emails) {
      acknowledge(this.addSubscription(new EmailSubscription(email)), {
        id: 'Serverless-SNSRedrivePolicy',
        reason:
          'SNS tries a mail for hours on its own, and what it says also stands in CloudWatch or the outbox of alerts.',
      });
    }
  }

  /**
   * Alarms of this account may tell it. The policy that refuses publishing without TLS replaces the default one, which let
   * them in: without this statement "no resource-based policy allows" it, and only the history of the alarm says so.
   */
  allowAlarms(): void {
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: 'PublishAlarms',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
  }
}
