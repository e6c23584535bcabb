import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';
import { CliError } from '../../errors.ts';
import type { Resources } from '../../stage/resources.ts';

/** How many let in at once: the new one, and the one before while the provider changes over. */
const KEPT = 2;
/** What a header and an address can carry. */
const KEY = /^[\x21-\x7e]{8,1024}$/;
const arnsSchema = z.record(z.string(), z.string());
const secretSchema = z.looseObject({ keys: z.array(z.string()) });

/** The secret of each HTTP source, by its name. @throws CliError where nothing comes by HTTP */
export function secretsOf(resources: Resources): Readonly<Record<string, string>> {
  const text = resources.find('sourceSecrets');
  if (text === undefined)
    throw new CliError(`${resources.deployment} has no source that comes by HTTP, so there are no keys to put.`);
  return arnsSchema.parse(JSON.parse(text));
}

/** @throws CliError for a source that has no keys */
export function secretOf(resources: Resources, source: string): string {
  const secrets = secretsOf(resources);
  const arn = secrets[source];
  if (arn !== undefined) return arn;
  throw new CliError(
    `${resources.deployment} has no HTTP source "${source}": allowed are ${Object.keys(secrets).join(', ')}.`,
  );
}

/** @throws CliError for text that can be none; it never quotes it */
export function keyIn(text: string): string {
  const key = text.trim();
  if (KEY.test(key)) return key;
  throw new CliError(
    "Standard input holds no key: it takes one of 8 to 1024 characters without blanks, such as the endpoint's signing secret in Stripe.",
  );
}

/** How many keys a secret holds; never what they are. */
export async function countKeys(client: SecretsManagerClient, secret: string): Promise<number> {
  return (await readKeys(client, secret)).length;
}

/**
 * Puts a key before those that are there; the newest of these stays valid, the others go.
 * @returns how many let in from now on
 */
export async function putKey(client: SecretsManagerClient, secret: string, key: string): Promise<number> {
  const before = await readKeys(client, secret);
  const keys = [key, ...before.filter((one) => one !== key)].slice(0, KEPT);
  await client.send(new PutSecretValueCommand({ SecretId: secret, SecretString: JSON.stringify({ keys }) }));
  return keys.length;
}

/** What is none of ours has no keys: an error of the parser would quote it. */
async function readKeys(client: SecretsManagerClient, secret: string): Promise<readonly string[]> {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: secret }));
  try {
    return secretSchema.parse(JSON.parse(SecretString)).keys;
  } catch {
    return [];
  }
}
