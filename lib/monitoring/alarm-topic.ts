import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { DataKey } from '../foundation/data-key.ts';

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
    for (const email of props.emails) this.addSubscription(new EmailSubscription(email));
  }
}
