import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

/** For as long a look holds the messages back (s): each is seen once. */
const LOOK_SECONDS = 120;

/** Deletes the messages that name an entity. @returns how many */
export async function eraseDeadLetters(client: SQSClient, urls: readonly string[], entity_id: string): Promise<number> {
  return look(client, urls, entity_id, 'delete');
}

/** Messages that name an entity; they stay. */
export async function countDeadLetters(client: SQSClient, urls: readonly string[], entity_id: string): Promise<number> {
  return look(client, urls, entity_id, 'keep');
}

async function look(
  client: SQSClient,
  urls: readonly string[],
  entity_id: string,
  named: 'delete' | 'keep',
): Promise<number> {
  let count = 0;
  for (const QueueUrl of urls) {
    const kept: Message[] = [];
    for (;;) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: LOOK_SECONDS,
          WaitTimeSeconds: 1,
          MessageAttributeNames: ['All'],
        }),
      );
      if (Messages.length === 0) break;
      for (const message of Messages) {
        const hit = names([message.Body, message.MessageAttributes], entity_id);
        if (hit) count += 1;
        if (hit && named === 'delete')
          await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
        else kept.push(message);
      }
    }
    // Only now: a message that is there again would be received again.
    for (const { ReceiptHandle } of kept)
      await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
  }
  return count;
}

/** Whether a text anywhere in a value is the id: texts may be JSON themselves, as the message in a notification is. */
export function names(value: unknown, entity_id: string): boolean {
  if (value === entity_id) return true;
  if (typeof value === 'string') {
    if (!/^\s*[[{"]/.test(value)) return false;
    try {
      return names(JSON.parse(value), entity_id);
    } catch {
      return false;
    }
  }
  return typeof value === 'object' && value !== null && Object.values(value).some((one) => names(one, entity_id));
}
