import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { ListEndpointsCommand, ListModelPackageGroupsCommand, ListModelsCommand } from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeEvents } from '../../cli/commands/demo/history-source.ts';
import { SlackReceiver } from '../../cli/commands/webhook/receiver.ts';
import { ROOT } from '../../cli/paths.ts';
import { connectTo } from '../../cli/stage/connection.ts';
import { readResources } from '../../cli/stage/resources.ts';
import { useJava } from '../../cli/tools.ts';
import { cloudEnvironment, type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { commandsOf, type Substitution, substitute } from './commands.ts';

const HOUSEHOLDS = 120;
const COMMANDS = commandsOf('docs/how-to/deploy-to-aws.md');
const USE_CASE = fileURLToPath(new URL('../e2e/usecase', import.meta.url));

const work = mkdtempSync(join(tmpdir(), 'tidemark-readme-'));
/** All in which this test differs from somebody who follows the page with an account. */
const TABLE: readonly Substitution[] = [
  { written: /^npm ci$/, here: 'npm ci --dry-run --ignore-scripts', why: 'this checkout is installed already' },
  {
    written: /^(npx tidemark deploy.*)$/,
    here: `$1 --yes --usecase ${USE_CASE}`,
    why: 'nobody is there to ask, and the use case is churn with a mild gate: of few households no model is better than its baseline',
  },
  { written: /^(npx tidemark destroy.*)$/, here: '$1 --yes', why: 'nobody is there to ask' },
  { written: 'history/', here: `${work}/history/`, why: 'real events of few households' },
  { written: 'webhook.txt', here: `${work}/webhook.txt`, why: 'a Slack on this machine' },
  { written: 'events.ndjson', here: `${work}/events.ndjson`, why: 'events of now' },
];

let cloud: LocalCloud;
let slack: SlackReceiver;
let told = 0;

beforeAll(async () => {
  console.log(TABLE.map(({ written, here, why }) => `${written} → ${here}: ${why}`).join('\n'));
  useJava();
  cloud = await startLocalCloud({ quiet: true, log: join(work, 'cloud.log') });
  slack = await SlackReceiver.start(() => {
    told += 1;
  });
  writeFileSync(join(work, 'webhook.txt'), `${slack.url}\n`);
  mkdirSync(join(work, 'history'));
  const { signal } = new AbortController();
  const cut = '2017-12-01T00:00:00Z';
  const until = '2017-12-15T00:00:00Z';
  await writeEvents({ usecase: 'churn', folder: work, cut, until, entities: HOUSEHOLDS, signal });
  for (const name of readdirSync(work).filter((file) => file.startsWith('history-')))
    renameSync(join(work, name), join(work, 'history', name));
  writeFileSync(join(work, 'events.ndjson'), eventsOfNow());
}, 300_000);

afterAll(async () => {
  await slack?.close();
  await cloud?.stop();
  rmSync(work, { recursive: true, force: true });
});

/** A household's first event of the live files, as if it happened a minute ago. */
function eventsOfNow(): string {
  const event_time = new Date(Date.now() - 60_000).toISOString();
  const files = readdirSync(work).filter((file) => file.startsWith('live-'));
  const lines = files.flatMap((file) =>
    gunzipSync(readFileSync(join(work, file)))
      .toString('utf8')
      .split('\n'),
  );
  const baskets = lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]));
  const first = new Map(
    baskets.filter(({ event_type }) => event_type === 'basket').map((event) => [event.entity_id, event]),
  );
  return [...first.values()]
    .map((event, index) => `${JSON.stringify({ ...event, event_id: `readme-${index}`, event_time })}\n`)
    .join('');
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a line as a shell does. @param until once its output matches it is looked at, and then ended as Ctrl-C does */
function run(line: string, until?: { readonly matches: RegExp; readonly look: (output: string) => Promise<void> }) {
  // A group of its own, as a terminal gives it: npx and what it starts get Ctrl-C together.
  const child = spawn('bash', ['-c', line], { cwd: ROOT, env: cloudEnvironment(cloud), detached: true });
  let output = '';
  let matched = false;
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    // Of npx itself, Ctrl-C is the end: no code, but the signal.
    child.once('close', (code, signal) => resolve({ code: matched && signal === 'SIGINT' ? 0 : code, output }));
  });
  const take = (chunk: Buffer) => {
    output += chunk.toString('utf8');
    if (!until || matched || !until.matches.test(output)) return;
    matched = true;
    void until.look(output).finally(() => interrupt(child));
  };
  child.stdin.end();
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return ended;
}

function interrupt({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGINT');
}

test('the page has the whole way, in order', () => {
  const steps = COMMANDS.map(
    (line) =>
      line
        .replace(/^npx tidemark /, '')
        .split(' --stage')[0]
        ?.split(' --')[0],
  );
  expect(steps).toEqual([
    ...['npm ci', 'doctor', 'npx cdk bootstrap', 'deploy', 'webhook', 'doctor', 'history load', 'train', 'model ls'],
    ...['model approve', 'put', 'page', 'deploy', 'train', 'model rollback', 'redrive', 'destroy'],
  ]);
});

describe.each(COMMANDS.map((written, index) => [index + 1, written] as const))('%i: %s', (number, written) => {
  test('does what it says', async () => {
    const line = substitute(written, TABLE);
    const started = Date.now();
    let page = '';
    const ran = await run(
      line,
      / page /.test(line)
        ? {
            matches: /The page: http:\S+/,
            look: async (output) => {
              const response = await fetch(/http:\S+/.exec(output)?.[0] ?? '');
              page = await response.text();
            },
          }
        : undefined,
    );
    console.log(
      `$ ${line}\n(${Math.round((Date.now() - started) / 1000)} s, code ${ran.code})\n${ran.output.slice(-3000)}`,
    );
    // The first look at an account that was never bootstrapped says so, and nothing else.
    if (number === 2) {
      expect(ran.code).toBe(1);
      expect(ran.output.match(/^✗ .*$/gm)?.map((found) => found.slice(2, 18).trim())).toEqual([
        'CDK bootstrap',
        'Bootstrap bucket',
      ]);
    } else expect(ran.code).toBe(0);
    if (/ page /.test(line)) expect(page).toContain('<html');
    await afterwards(number);
  }, 900_000);
});

/** What must be true after a command, beside its exit code. */
async function afterwards(number: number): Promise<void> {
  const clients = connectTo(cloud).clients;
  if (COMMANDS[number - 1]?.startsWith('npx tidemark put')) {
    // From an event or from silence to Slack. The sweep is what the reader waits for up to an hour.
    const resources = await readResources(clients.cloudformation, { stage: 'dev' });
    const sweep = new InvokeCommand({ FunctionName: resources.get('sweepFunction'), Payload: Buffer.from('{}') });
    expect((await clients.lambda.send(sweep)).FunctionError).toBeUndefined();
    for (const deadline = Date.now() + 120_000; told === 0 && Date.now() < deadline; ) await sleep(500);
    expect(told).toBeGreaterThan(0);
  }
  if (!COMMANDS[number - 1]?.startsWith('npx tidemark destroy')) return;
  const { Stacks = [] } = await clients.cloudformation.send(new DescribeStacksCommand({}));
  const left = Stacks.filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE').map(({ StackName }) => StackName);
  expect(left).toEqual(['CDKToolkit']);
  const { Buckets = [] } = await clients.s3.send(new ListBucketsCommand({}));
  expect(Buckets.map(({ Name }) => Name)).toEqual(['cdk-hnb659fds-assets-000000000000-us-east-1']);
  const { Endpoints } = await clients.sagemaker.send(new ListEndpointsCommand({}));
  const { Models } = await clients.sagemaker.send(new ListModelsCommand({}));
  const { ModelPackageGroupSummaryList: groups } = await clients.sagemaker.send(new ListModelPackageGroupsCommand({}));
  expect([Endpoints, Models, groups]).toEqual([[], [], []]);
}
