/** How the function shows who it is: to a server of one's own by its secret, to an MLflow App by a signature. */
import { Sha256 } from '@aws-crypto/sha256-js';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SignatureV4 } from '@smithy/signature-v4';
import { z } from 'zod';
import type { Authorise } from '../../engine/mlflow/transport.ts';

const secretSchema = z.union([
  z.object({ token: z.string().min(1) }),
  z.object({ username: z.string().min(1), password: z.string() }),
]);
/** As it is made: nothing is put in, and the server wants nothing. */
const untouched = z.object({ token: z.literal('') });

/** A changed secret is used within this time. */
const SECRET_TTL_MS = 300_000;

/** Basic or bearer, by what the secret holds. @throws Error where it holds something else */
export function bySecret(secrets: SecretsManagerClient, arn: string): Authorise {
  let known: { readonly headers: Readonly<Record<string, string>>; readonly until: number } | null = null;
  return async () => {
    if (known && known.until > Date.now()) return known.headers;
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: arn }));
    known = { headers: credentialsIn(SecretString), until: Date.now() + SECRET_TTL_MS };
    return known.headers;
  };
}

/** @param secret JSON. @throws Error that does not quote it */
export function credentialsIn(secret: string): Readonly<Record<string, string>> {
  const held = jsonIn(secret);
  if (untouched.safeParse(held).success) return {};
  const { success, data } = secretSchema.safeParse(held);
  if (!success)
    throw new Error(
      'secret of MLflow: found something else; allowed: {"token": "…"}, {"username": "…", "password": "…"}, or {"token": ""} where the server asks for none',
    );
  if ('token' in data) return { authorization: `Bearer ${data.token}` };
  return { authorization: `Basic ${Buffer.from(`${data.username}:${data.password}`).toString('base64')}` };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The text itself must not reach a log.
    return undefined;
  }
}

/**
 * As the plug-in sagemaker-mlflow 0.5.0 signs for an app: service `sagemaker`, the hash of the body as a header, and the
 * app's ARN beside it (its auth_provider.py, auth.py and mlflow_sagemaker_request_header_provider.py).
 */
export function bySignature(
  credentials: ConstructorParameters<typeof SignatureV4>[0]['credentials'],
  region: string,
  appArn: string,
): Authorise {
  const signer = new SignatureV4({ service: 'sagemaker', region, credentials, sha256: Sha256 });
  return async ({ method, url, headers, body }) => {
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...headers, host: url.host, 'x-sm-mlflow-app-arn': appArn },
      body,
    });
    // fetch makes it of the address, and takes none.
    const { host: _, ...own } = signed.headers;
    return own;
  };
}
