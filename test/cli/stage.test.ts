import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { run } from '../../cli/main.ts';
import { withStage } from '../../cli/stage/stage.ts';

/** A CloudFormation with one deployment; what else is asked for it refuses. */
const STACKS = `<DescribeStacksResponse><DescribeStacksResult><Stacks><member>
  <StackName>tidemark-dev-shop-realtime</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
  <CreationTime>2026-01-01T00:00:00Z</CreationTime>
  <Outputs><member><OutputKey>StreamName</OutputKey><OutputValue>events</OutputValue></member></Outputs>
</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
const TARGET = { stage: 'dev' } as const;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

let aws: Server;
let environment: NodeJS.ProcessEnv;
beforeEach(async () => {
  aws = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => response.writeHead(body.includes('DescribeStacks') ? 200 : 400).end(STACKS));
  });
  await new Promise<void>((done) => aws.listen(0, '127.0.0.1', done));
  environment = { ...process.env };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(aws.address() as AddressInfo).port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  for (const method of ['log', 'error'] as const) jest.spyOn(console, method).mockImplementation(() => {});
  for (const out of [process.stdout, process.stderr]) jest.spyOn(out, 'write').mockImplementation(() => true);
});
afterEach(async () => {
  jest.restoreAllMocks();
  process.env = environment;
  process.exitCode = 0;
  aws.closeAllConnections();
  await new Promise((done) => aws.close(done));
});

const handlers = () => SIGNALS.map((signal) => process.listenerCount(signal));

test('a step holds Ctrl-C, and however it ends Ctrl-C is the system’s again', async () => {
  const before = handlers();
  const held = before.map((count) => count + 1);
  const seen: number[][] = [];
  const look = async () => {
    seen.push(handlers());
  };
  await withStage(TARGET, async (stage) => {
    await look();
    await stage.step('one', look);
    await stage.step('two', look);
  });
  // Until the first step a command only looks or asks.
  expect(seen).toEqual([before, held, held]);
  expect(handlers()).toEqual(before);
  const failing = withStage(TARGET, (stage) =>
    stage.step('it fails', () => Promise.reject(new Error('no such table'))),
  );
  await expect(failing).rejects.toThrow('no such table');
  expect(handlers()).toEqual(before);
});

test('Ctrl-C in a step that does not listen: the next one does not begin', async () => {
  const begun: string[] = [];
  const work = withStage(TARGET, async (stage) => {
    await stage.step('upload', async ({ signal }) => {
      begun.push('upload');
      process.emit('SIGINT');
      expect(signal.aborted).toBe(true);
    });
    await stage.step('land', async () => void begun.push('land'));
  });
  await expect(work).rejects.toMatchObject({ name: 'AbortError' });
  expect(begun).toEqual(['upload']);
});

test('a command whose job cannot be started ends with code 1, and holds nothing', async () => {
  const before = handlers();
  await run(['node', 'tidemark', 'features', 'backfill', '--stage', 'dev']);
  expect(process.exitCode).toBe(1);
  expect(console.error).toHaveBeenCalledWith(expect.stringContaining('has no output CompactArchiveJobName'));
  expect(handlers()).toEqual(before);
});
