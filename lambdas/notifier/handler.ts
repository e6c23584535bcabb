import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SNSEvent } from 'aws-lambda';
import { type Alert, slackMessage } from '../../engine/alerting/message.ts';
import { type AlertKey, sendOnce } from '../../engine/alerting/send.ts';
import { METRIC } from '../../names/metrics.ts';
import { dynamoClient } from '../aws/dynamo/client.ts';
import { readEnvironment } from '../aws/environment.ts';
import { patient } from '../aws/patience.ts';
import { slackSecretIn } from '../aws/slack-secret.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { notifierSchema } from './env.ts';
import { DynamoOutbox } from './outbox.ts';
import { checkWebhook, postToSlack } from './slack.ts';

const env = readEnvironment(notifierSchema);
const telemetry = createTelemetry(env);
const outbox = new DynamoOutbox(dynamoClient(), env.SCORES_TABLE);
const secrets = new SecretsManagerClient(patient());

/** A changed webhook is used within this time. */
const SECRET_TTL_MS = 300_000;
let slack: { readonly url: URL; readonly buttons: boolean; readonly until: number } | null = null;

/** Sends each alert once, see `sendOnce`. */
export async function handler(event: SNSEvent): Promise<void> {
  try {
    for (const { Sns } of event.Records) {
      const { entity_id, kind } = Sns.MessageAttributes;
      if (!entity_id || !kind)
        throw new Error('message: found no entity_id and kind attributes; only the publisher may publish here');
      await send({ entity_id: entity_id.Value, kind: kind.Value });
    }
  } finally {
    telemetry.flush();
  }
}

async function send(key: AlertKey): Promise<void> {
  const outcome = await sendOnce(outbox, key, post, Date.now);
  if (outcome === 'sent before') return telemetry.info('was sent before');
  if (outcome === 'gone') return telemetry.warn('the outbox holds no such alert: its entity was erased');
  telemetry.count(METRIC.alertsSent);
  telemetry.info('sent');
}

async function post(alert: Alert): Promise<void> {
  try {
    const { url, buttons } = await slackNow();
    await postToSlack(url, slackMessage(alert, buttons));
  } catch (error) {
    telemetry.count(METRIC.alertSendFailures);
    throw error;
  }
}

/** Buttons only where their presses can be proven: without a signing secret nothing listens to them. */
async function slackNow(): Promise<NonNullable<typeof slack>> {
  if (slack && slack.until > Date.now()) return slack;
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: env.SLACK_SECRET_ARN }));
  const { url, signing_secret } = slackSecretIn(SecretString);
  const checked = checkWebhook(url, env.WEBHOOKS === 'loopback');
  slack = { url: checked, buttons: signing_secret !== '', until: Date.now() + SECRET_TTL_MS };
  return slack;
}
