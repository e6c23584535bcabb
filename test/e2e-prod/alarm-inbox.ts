/** Somebody who listens to the alarms: a queue that is subscribed to their topic, as a pager's would be. */
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { z } from 'zod';
import type { Session } from '../../cli/commands/demo/session.ts';

const envelope = z.object({ Message: z.string() });
/** Failures of jobs come to the topic too, as events without these. */
const told = z.object({ AlarmName: z.string().optional(), NewStateValue: z.string().optional() });

export class AlarmInbox {
  readonly #sqs: SQSClient;
  readonly #url: string;
  readonly #told = new Set<string>();

  private constructor(sqs: SQSClient, url: string) {
    this.#sqs = sqs;
    this.#url = url;
  }

  static async subscribe(session: Session, topic: string): Promise<AlarmInbox> {
    const sqs = new SQSClient(session.cloud.clientConfig);
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'pager' }));
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
    const queue = Attributes?.QueueArn ?? '';
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'sns.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: queue,
          Condition: { ArnEquals: { 'aws:SourceArn': topic } },
        },
      ],
    });
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
    const sns = new SNSClient(session.cloud.clientConfig);
    await sns.send(new SubscribeCommand({ TopicArn: topic, Protocol: 'sqs', Endpoint: queue }));
    return new AlarmInbox(sqs, QueueUrl);
  }

  /** Names of the alarms that were told to ring so far. */
  async rang(): Promise<ReadonlySet<string>> {
    for (;;) {
      const { Messages = [] } = await this.#sqs.send(
        new ReceiveMessageCommand({ QueueUrl: this.#url, MaxNumberOfMessages: 10, VisibilityTimeout: 3600 }),
      );
      if (Messages.length === 0) return this.#told;
      for (const { Body } of Messages) {
        const { AlarmName, NewStateValue } = told.parse(JSON.parse(envelope.parse(JSON.parse(Body ?? '')).Message));
        if (AlarmName && NewStateValue === 'ALARM') this.#told.add(AlarmName);
      }
    }
  }
}
