import { InvokeCommand } from '@aws-sdk/client-lambda';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { PublishCommand } from '@aws-sdk/client-sns';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { messageOf } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import type { Watch } from '../../stage/jobs.ts';
import { parsePrivateJson } from './private-json.ts';
import type { DeadLetterQueue, Receiver } from './queues.ts';

/** Longer (s) than any function of ours runs: nobody else gets a message meanwhile. */
const HELD_SECONDS = 960;

export interface Redriven {
  readonly sent: number;
  /** Still in the queue, by what the receiver said: never a payload. */
  readonly failed: readonly string[];
}

/** Messages that wait in a queue, about. */
export async function waiting({ sqs }: Pick<Clients, 'sqs'>, queue: DeadLetterQueue): Promise<number> {
  const AttributeNames = ['ApproximateNumberOfMessages' as const];
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames }));
  return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
}

/**
 * Sends the messages of a dead-letter queue to whom they were for, one after the other, and deletes each that was taken.
 * SQS itself moves only what came from another queue: "Non-SQS queue sources of dead-letter queues, such as Lambda or Amazon
 * SNS topics, are currently not supported" (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html).
 *
 * What fails is there again at once; each message is tried once.
 */
export async function redrive(
  clients: Pick<Clients, 'sqs' | 'lambda' | 'sfn' | 'sns'>,
  queue: DeadLetterQueue,
  watch: Watch = {},
): Promise<Redriven> {
  let sent = 0;
  const failed: { readonly message: Message; readonly why: string }[] = [];
  for (;;) {
    watch.signal?.throwIfAborted();
    const { Messages: [message] = [] } = await clients.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queue.url,
        MaxNumberOfMessages: 1,
        VisibilityTimeout: HELD_SECONDS,
        WaitTimeSeconds: 1,
      }),
    );
    if (message === undefined) break;
    try {
      await send(clients, queue.receiver, message);
    } catch (error) {
      failed.push({ message, why: messageOf(error) });
      continue;
    }
    await clients.sqs.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle: message.ReceiptHandle }));
    sent += 1;
    watch.onState?.(`${sent} sent`);
  }
  for (const { message } of failed)
    await clients.sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queue.url,
        ReceiptHandle: message.ReceiptHandle,
        VisibilityTimeout: 0,
      }),
    );
  return { sent, failed: failed.map(({ why }) => why) };
}

async function send(
  clients: Pick<Clients, 'lambda' | 'sfn' | 'sns' | 'sqs'>,
  receiver: Receiver,
  { Body = '', MessageId }: Message,
): Promise<void> {
  if (receiver.kind === 'function') return invoke(clients, receiver.name, Body);
  if (receiver.kind === 'subscription') return invoke(clients, receiver.name, snsEvent(receiver.arn, Body));
  if (receiver.kind === 'queue') {
    await clients.sqs.send(new SendMessageCommand({ QueueUrl: receiver.name, MessageBody: Body }));
    return;
  }
  if (receiver.kind === 'state machine') {
    // Named by the message, so that one that was sent twice starts one execution.
    const start = { stateMachineArn: receiver.name, input: approvedPackage(Body), name: `redrive-${MessageId}` };
    try {
      await clients.sfn.send(new StartExecutionCommand(start));
    } catch (error) {
      if (!(error instanceof Error && error.name === 'ExecutionAlreadyExists')) throw error;
    }
    return;
  }
  await clients.sns.send(new PublishCommand({ TopicArn: receiver.name, Message: Body }));
}

/** Waits for the function's answer: only what it took may be deleted. @throws Error with the error's name, without its data */
async function invoke({ lambda }: Pick<Clients, 'lambda'>, FunctionName: string, payload: string): Promise<void> {
  const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(payload) }));
  if (answer.FunctionError === undefined) return;
  const said = failure.safeParse(JSON.parse(Buffer.from(answer.Payload ?? []).toString('utf8') || '{}')).data;
  throw new Error(`${said?.errorType ?? answer.FunctionError}: ${said?.errorMessage ?? 'it gave no message'}`);
}

const failure = z.object({ errorType: z.string().optional(), errorMessage: z.string().optional() });

/** A notification as SNS keeps it in a dead-letter queue, and as it hands one to a function. */
const notification = z.looseObject({ Type: z.literal('Notification'), TopicArn: z.string(), Message: z.string() });

function snsEvent(arn: string, body: string): string {
  const parsed = notification.safeParse(parsePrivateJson(body));
  // The event itself already.
  if (!parsed.success) return body;
  const Sns = { MessageAttributes: {}, ...parsed.data };
  const record = { EventSource: 'aws:sns', EventVersion: '1.0', EventSubscriptionArn: arn, Sns };
  return JSON.stringify({ Records: [record] });
}

/**
 * Of a rule's target with an input of its own, EventBridge's documents do not say whether the dead letter is the event or
 * that input: both are read.
 * @returns the input of the training state machine
 */
function approvedPackage(body: string): string {
  const event = z.object({ detail: z.object({ ModelPackageArn: z.string() }) }).safeParse(parsePrivateJson(body));
  return event.success ? JSON.stringify({ model_package_arn: event.data.detail.ModelPackageArn }) : body;
}
