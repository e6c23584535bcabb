import { PutSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Puts the webhook's URL where the notifier reads it. */
export async function setSlackUrl(client: SecretsManagerClient, secret: string, url: string): Promise<void> {
  await client.send(new PutSecretValueCommand({ SecretId: secret, SecretString: JSON.stringify({ url }) }));
}
