import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { CreateStreamCommand, KinesisClient, ListStreamsCommand, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cloudEnvironment, type LocalCloud, LocalCloudError, startLocalCloud } from '../../local/cloud.ts';
import { assertLoopback } from '../../local/guard.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Live processes of a group; zombies are not counted. */
function groupOf(leader: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      let stat: string;
      try {
        stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      } catch {
        return false; // ended meanwhile
      }
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(group) === leader && state !== 'Z';
    })
    .map(Number);
}

const pidOf = (stateDir: string): number => JSON.parse(readFileSync(join(stateDir, 'ready.json'), 'utf8')).pid;

async function gone(leader: number, ms: number): Promise<boolean> {
  for (let waited = 0; waited < ms; waited += 50) {
    if (groupOf(leader).length === 0) return true;
    await delay(50);
  }
  return false;
}

test('a new account has ten concurrent executions', async () => {
  const cloud = await startLocalCloud({ stateDir: join(folder, 'new'), quotas: 'new-account', quiet: true });
  try {
    const { AccountLimit } = await new LambdaClient(cloud.clientConfig).send(new GetAccountSettingsCommand({}));
    expect(AccountLimit?.ConcurrentExecutions).toBe(10);
  } finally {
    await cloud.stop();
  }
});

test.each([0, 1.5, Number.NaN])('%p is no time scale', async (timeScale) => {
  const state = { stateDir: join(folder, 'scale'), quiet: true };
  await expect(startLocalCloud({ ...state, timeScale })).rejects.toThrow(
    /--time-scale .* found: more than 0, and at most 1/,
  );
});

describe('a running cloud', () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await startLocalCloud({ stateDir: join(folder, 'running'), quiet: true });
  });
  afterAll(() => cloud.stop());

  test('serves the clients of this process', async () => {
    expect(await new KinesisClient(cloud.clientConfig).send(new ListStreamsCommand({}))).toMatchObject({
      StreamNames: [],
    });
    const s3 = new S3Client(cloud.clientConfig);
    await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
    expect((await s3.send(new ListBucketsCommand({}))).Buckets?.map((bucket) => bucket.Name)).toEqual(['lake']);
  });

  test('counts the requests that were held against the models of their APIs', async () => {
    await new KinesisClient(cloud.clientConfig).send(new ListStreamsCommand({ Limit: 10 }));
    await delay(1_500);
    const { operations, requests, members, refused } = await cloud.requestsChecked();
    expect(operations).toBeGreaterThanOrEqual(1);
    expect(requests).toBeGreaterThanOrEqual(operations);
    expect(members).toBeGreaterThanOrEqual(1);
    expect(refused).toEqual([]);
  });

  test('answers in full over HTTP/2, which this client speaks, though it ends each connection early', async () => {
    const client = new KinesisClient(cloud.clientConfig);
    await client.send(new CreateStreamCommand({ StreamName: 'busy', ShardCount: 1 }));
    for (let waited = 0; waited < 60_000; waited += 100) {
      const { StreamSummaries } = await client.send(new ListStreamsCommand({}));
      if (StreamSummaries?.[0]?.StreamStatus === 'ACTIVE') break;
      await delay(100);
    }
    const Records = Array.from({ length: 500 }, (_, n) => ({ PartitionKey: `${n}`, Data: Buffer.from('v') }));
    for (let round = 0; round < 40; round += 1) {
      const answer = await client.send(new PutRecordsCommand({ StreamName: 'busy', Records }));
      expect(answer.Records).toHaveLength(500);
    }
  });

  test('gives child processes its own settings and none of the user', () => {
    const user = {
      PATH: '/bin',
      AWS_PROFILE: 'company',
      AWS_ENDPOINT_URL_SQS: 'https://x.example',
      CDK_DEFAULT_ACCOUNT: '1',
    };
    const env = cloudEnvironment(cloud, user);
    expect(() => assertLoopback(env)).not.toThrow();
    expect(env).toMatchObject({
      PATH: '/bin',
      AWS_ENDPOINT_URL: cloud.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_DEFAULT_ACCOUNT: '000000000000',
    });
    expect(env).toMatchObject({ NO_PROXY: '127.0.0.1,localhost,::1', no_proxy: '127.0.0.1,localhost,::1' });
    expect(cloudEnvironment(cloud, { NO_PROXY: 'a.example,localhost', no_proxy: 'b.example' })).toMatchObject({
      NO_PROXY: '127.0.0.1,localhost,::1,a.example,b.example',
    });
    expect(env).not.toHaveProperty('AWS_PROFILE');
    expect(env).not.toHaveProperty('AWS_ENDPOINT_URL_SQS');
  });

  test('reports the refusals so far, without a half-written one', async () => {
    expect(await cloud.accessDenied()).toEqual([]);
    const refusal = {
      action: 's3:PutObject',
      resource: 'arn:aws:s3:::lake/x',
      principal: 'arn:aws:sts::0:x',
      time: 'T',
    };
    appendFileSync(join(cloud.stateDir, 'access-denied.ndjson'), `${JSON.stringify(refusal)}\n{"action":`);
    expect(await cloud.accessDenied()).toEqual([refusal]);
  });
});

test('stops with all it started, and again without effect, and removes a folder of its own', async () => {
  const cloud = await startLocalCloud({ quiet: true });
  const leader = pidOf(cloud.stateDir);
  expect(groupOf(leader).length).toBeGreaterThan(0);
  const before = process.listenerCount('SIGINT');
  await Promise.all([cloud.stop(), cloud.stop()]);
  await cloud.stop();
  expect(groupOf(leader)).toEqual([]);
  expect(existsSync(cloud.stateDir)).toBe(false);
  expect(process.listenerCount('SIGINT')).toBe(before - 1);
});

test('a port in use is an error with the end of the log', async () => {
  const first = await startLocalCloud({ quiet: true });
  try {
    const second = startLocalCloud({ stateDir: join(folder, 'second'), port: first.port, quiet: true });
    await expect(second).rejects.toThrow(LocalCloudError);
    await expect(second).rejects.toThrow(/ended while starting \(exit code 1\)[\s\S]*Address already in use/);
  } finally {
    await first.stop();
  }
});

describe.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('when its parent gets %s', (signal) => {
  test('nothing is left', async () => {
    const stateDir = join(folder, signal);
    const cloud = JSON.stringify(pathToFileURL(join(process.cwd(), 'local', 'cloud.ts')).href);
    const code = `import(${cloud}).then((m) => m.startLocalCloud({ stateDir: ${JSON.stringify(stateDir)}, quiet: true }))
      .then(() => setInterval(() => {}, 1000))`;
    const parent = spawn(process.execPath, ['--import', 'tsx', '--eval', code], { stdio: 'ignore' });
    try {
      const exited = new Promise<NodeJS.Signals | null>((done) => parent.once('exit', (_code, by) => done(by)));
      for (let waited = 0; !existsSync(join(stateDir, 'ready.json')) && waited < 120_000; waited += 50) await delay(50);
      const leader = pidOf(stateDir);
      expect(groupOf(leader).length).toBeGreaterThan(0);
      await delay(300); // the parent must have seen that it is ready
      parent.kill(signal);
      expect(await exited).toBe(signal);
      expect(await gone(leader, 60_000)).toBe(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
