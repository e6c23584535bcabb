import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { patient } from '../../lambdas/aws/patience.ts';

let silent: Server;
let endpoint: string;

/** Takes connections and says nothing. */
beforeAll(async () => {
  silent = createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise((done) => silent.once('listening', done));
  const address = silent.address();
  endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(() => {
  silent.close();
});

const given = () => ({
  ...patient(),
  maxAttempts: 1,
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'a', secretAccessKey: 's' },
});

test('a service that hangs is given up well within a function’s time', async () => {
  const calls = [
    new S3Client(given()).send(new ListBucketsCommand({})),
    new KinesisClient(given()).send(new ListStreamsCommand({})),
    new SNSClient(given()).send(new PublishCommand({ TopicArn: 'arn:aws:sns:us-east-1:0:t', Message: 'm' })),
  ];
  // The handler looks at its socket from the third second on, and a function has at least half a minute.
  await Promise.all(calls.map((call) => expect(call).rejects.toThrow(/timed out/i)));
});

test('no function has a client that waits for ever', () => {
  const files = (readdirSync('lambdas', { recursive: true }) as string[]).filter((name) => name.endsWith('.ts'));
  const made = files.flatMap((name) =>
    [...readFileSync(join('lambdas', name), 'utf8').matchAll(/new \w+Client\(([^)]*)/g)].map((of) => [name, of[1]]),
  );
  expect(made.length).toBeGreaterThanOrEqual(8);
  // The model's client has a limit of its own, and so has MLflow's, which is none of the SDK.
  const limited = ({ 0: name, 1: by }: (typeof made)[number]) =>
    name === join('aws', 'endpoint.ts') || /^transportOf\(\{.* timeoutMs: 10_000, deadline/.test(by!);
  expect(made.filter((one) => one[1] !== 'patient(' && !limited(one))).toEqual([]);
});
