import {
  AddPermissionCommand,
  GetPolicyCommand,
  LambdaClient,
  paginateListFunctions,
  RemovePermissionCommand,
} from '@aws-sdk/client-lambda';
import {
  GetSubscriptionAttributesCommand,
  PublishCommand,
  paginateListSubscriptions,
  SNSClient,
} from '@aws-sdk/client-sns';
import { GetQueueUrlCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Session } from '../../cli/commands/demo/session.ts';

interface Statement {
  readonly Sid: string;
  readonly Principal: { readonly Service?: string };
}

interface Parts {
  readonly lambda: LambdaClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly functionName: string;
  readonly topic: string;
  /** URL of the function's queue: what it could not handle. */
  readonly failed: string;
  /** URL of the subscription's queue: what the topic could not hand over. */
  readonly undelivered: string;
}

/** A function that a topic calls, with the two queues behind it. */
export class Subscriber {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The deployed function that emits metrics as `service`. */
  static async find(session: Session, service: string): Promise<Subscriber> {
    const config = session.cloud.clientConfig;
    const clients = { lambda: new LambdaClient(config), sns: new SNSClient(config), sqs: new SQSClient(config) };
    for await (const { Functions } of paginateListFunctions({ client: clients.lambda }, {})) {
      for (const { Environment, FunctionArn, FunctionName = '', DeadLetterConfig } of Functions ?? []) {
        if (Environment?.Variables?.POWERTOOLS_SERVICE_NAME !== service) continue;
        for await (const { Subscriptions } of paginateListSubscriptions({ client: clients.sns }, {})) {
          const found = Subscriptions?.find(({ Endpoint }) => Endpoint === FunctionArn);
          if (!found) continue;
          const { Attributes } = await clients.sns.send(
            new GetSubscriptionAttributesCommand({ SubscriptionArn: found.SubscriptionArn }),
          );
          const { deadLetterTargetArn } = JSON.parse(Attributes?.RedrivePolicy ?? '{}') as {
            deadLetterTargetArn: string;
          };
          const queues = [DeadLetterConfig?.TargetArn ?? '', deadLetterTargetArn];
          const [failed = '', undelivered = ''] = await Promise.all(queues.map((arn) => urlOf(clients.sqs, arn)));
          return new Subscriber({
            ...clients,
            functionName: FunctionName,
            topic: found.TopicArn ?? '',
            failed,
            undelivered,
          });
        }
      }
    }
    throw new Error(`no topic calls a function with POWERTOOLS_SERVICE_NAME=${service}`);
  }

  async publish(text: string): Promise<void> {
    await this.#parts.sns.send(new PublishCommand({ TopicArn: this.#parts.topic, Message: text }));
  }

  failures(): Promise<Message[]> {
    return this.receive(this.#parts.failed);
  }

  leftovers(): Promise<Message[]> {
    return this.receive(this.#parts.undelivered);
  }

  /**
   * Takes the statement that lets the topic in from the function's policy.
   * @returns how to give it back
   */
  async shutOut(): Promise<() => Promise<void>> {
    const FunctionName = this.#parts.functionName;
    const { Policy = '{}' } = await this.#parts.lambda.send(new GetPolicyCommand({ FunctionName }));
    const { Statement } = JSON.parse(Policy) as { Statement: Statement[] };
    const statement = Statement.find(({ Principal }) => Principal.Service === 'sns.amazonaws.com');
    if (!statement) throw new Error(`the policy of ${FunctionName} lets no topic in`);
    await this.#parts.lambda.send(new RemovePermissionCommand({ FunctionName, StatementId: statement.Sid }));
    return async () => {
      await this.#parts.lambda.send(
        new AddPermissionCommand({
          FunctionName,
          StatementId: statement.Sid,
          Action: 'lambda:InvokeFunction',
          Principal: 'sns.amazonaws.com',
          SourceArn: this.#parts.topic,
        }),
      );
    };
  }

  private async receive(QueueUrl: string): Promise<Message[]> {
    const { Messages = [] } = await this.#parts.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MessageAttributeNames: ['All'],
        VisibilityTimeout: 0,
        MaxNumberOfMessages: 10,
      }),
    );
    return Messages;
  }
}

async function urlOf(sqs: SQSClient, arn: string): Promise<string> {
  const { QueueUrl = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName: arn.split(':').at(-1) }));
  return QueueUrl;
}
