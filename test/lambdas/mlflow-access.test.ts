/** How the function shows who it is. */
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { MlflowRequest } from '../../engine/mlflow/transport.ts';
import { bySecret, bySignature, credentialsIn } from '../../lambdas/mlflow/access.ts';

const APP = 'arn:aws:sagemaker:eu-west-1:111122223333:mlflow-app/app-ABCDEF';
const ADDRESS = 'https://mlflow.sagemaker.eu-west-1.app.aws/api/2.0/mlflow/';
const request = (method: MlflowRequest['method'], path: string, body?: string): MlflowRequest => ({
  method,
  url: new URL(path, ADDRESS),
  headers: { 'content-type': 'application/json' },
  ...(body !== undefined && { body }),
});

beforeEach(() => {
  jest.useFakeTimers({ now: new Date('2026-03-01T12:00:00Z') });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a signature', () => {
  const authorise = bySignature(
    {
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      sessionToken: 'session',
    },
    'eu-west-1',
    APP,
  );

  // What botocore 1.43's SigV4Auth makes of the same requests, called as sagemaker-mlflow 0.5.0 calls it (auth.py, AuthBoto).
  test.each([
    [
      request('POST', 'runs/search', '{"experiment_ids":["1"]}'),
      '939badef7563c5b8ddf6e2fb4a1e808d0250a219f217201cf78b2643a608aedf',
      '1a162f4816cbc85d4035173f24d8029297c899f9a87e426452df6d1b291528fa',
    ],
    [
      request('GET', 'experiments/get-by-name?experiment_name=tidemark-prod%20shop'),
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      '07662dbdb6625b88c9c22093ba44c6fb919978aa41b661ecfd1cd00b7bb116f9',
    ],
  ])('is that of the plug-in', async (asked, hash, signature) => {
    expect(await authorise(asked)).toEqual({
      'content-type': 'application/json',
      'x-sm-mlflow-app-arn': APP,
      'x-amz-content-sha256': hash,
      'x-amz-date': '20260301T120000Z',
      'x-amz-security-token': 'session',
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-west-1/sagemaker/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-sm-mlflow-app-arn, Signature=${signature}`,
    });
  });
});

describe('a secret', () => {
  test.each([
    ['{"token": "t"}', { authorization: 'Bearer t' }],
    ['{"username": "u", "password": "p", "placeholder": "x"}', { authorization: 'Basic dTpw' }],
    ['{"token": "", "placeholder": "x"}', {}],
  ])('%s', (secret, headers) => {
    expect(credentialsIn(secret)).toEqual(headers);
  });

  test.each(['hunter2', '{"password": "hunter2"}', '{"token": ["hunter2"]}', 'null', ''])(
    'that holds something else is not quoted: %s',
    (secret) => {
      expect(() => credentialsIn(secret)).toThrow(/^secret of MLflow: found something else; allowed: /);
      expect(() => credentialsIn(secret)).not.toThrow(/hunter2/);
    },
  );

  test('is read once in five minutes', async () => {
    let read = 0;
    const secrets = { send: async () => ({ SecretString: `{"token": "t${++read}"}` }) };
    const authorise = bySecret(secrets as unknown as SecretsManagerClient, 'arn');
    const asked = request('POST', 'runs/search');
    const first = [await authorise(asked), await authorise(asked)];
    jest.setSystemTime(Date.now() + 300_001);
    expect([...first, await authorise(asked)]).toEqual(
      ['t1', 't1', 't2'].map((token) => ({ authorization: `Bearer ${token}` })),
    );
  });
});
