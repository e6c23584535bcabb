import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type SlackSecret, slackSecretIn } from '../../../lambdas/aws/slack-secret.ts';

/** Puts a part of what Slack issued where the functions read it; the other stays. */
export async function setSlackSecret(
  client: SecretsManagerClient,
  secret: string,
  part: Partial<SlackSecret>,
): Promise<void> {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: secret }));
  const whole = { ...slackSecretIn(SecretString), ...part };
  await client.send(new PutSecretValueCommand({ SecretId: secret, SecretString: JSON.stringify(whole) }));
}
