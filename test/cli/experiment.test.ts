/** Experiments from start to promotion, against a registry, a state machine and a table of the local cloud. */
import { CreateTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { declared } from '../../cli/commands/experiment/command.ts';
import { ExperimentRecords } from '../../cli/commands/experiment/records.ts';
import { intervalLine, readReport, recordLines, reportLines } from '../../cli/commands/experiment/report.ts';
import { contenders, end, found, promote, runningOne, start, widen } from '../../cli/commands/experiment/run.ts';
import { type Connection, connectTo } from '../../cli/stage/connection.ts';
import { Resources } from '../../cli/stage/resources.ts';
import type { ExperimentIR } from '../../core/ir/document.ts';
import { DynamoExperiments } from '../../lambdas/aws/dynamo/experiments.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { ESTIMATE as estimate, REPORT } from '../fixtures/experiment-report.ts';
import { SmallRegistry } from './small-registry.ts';

const experiment = (name: string, hold_out = 0.1): ExperimentIR => ({
  name,
  hash: 'sha256',
  salts: { enrol: `${name}/enrol`, variant: `${name}/variant` },
  coverage: 0.2,
  hold_out,
  variants: [
    { name: 'champion', weight: 0.5 },
    { name: 'challenger', weight: 0.5 },
  ],
  metric: { kind: 'feature', feature: 'orders', after_ms: 14 * 86_400_000, as: 'mean' },
  direction: 'increase',
  minimum_sample: 100,
  planned_sample: 1000,
  alpha: 0.05,
  stop: 'any_time',
  duration_ms: 28 * 86_400_000,
});

let cloud: LocalCloud;
let connection: Connection;
let registry: SmallRegistry;
let resources: Resources;
let lake: string;

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  connection = connectTo(cloud);
  registry = await SmallRegistry.make(cloud, connection, 'tried');
  const arns = [];
  for (const [approval, definition_hash] of [
    ['Approved', 'now'],
    ['Approved', 'now'],
    ['PendingManualApproval', 'now'],
    ['Approved', 'before'],
  ] as const)
    arns.push(await registry.register(approval, { definition_hash }));
  await registry.createEndpoint(await registry.configure(arns[0] ?? '', '1'));
  await connection.clients.dynamodb.send(
    new CreateTableCommand({
      TableName: 'tried-scores',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'entity_id', KeyType: 'HASH' },
        { AttributeName: 'kind', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'entity_id', AttributeType: 'S' },
        { AttributeName: 'kind', AttributeType: 'S' },
      ],
    }),
  );
  lake = 'small-registry-tried';
  const outputs = {
    ModelPackageGroupName: registry.deployment,
    TrainingStateMachineArn: registry.machine,
    EndpointName: registry.deployment,
    ScoresTableName: 'tried-scores',
    LakeBucketName: lake,
  };
  const Outputs = Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue }));
  const stack = { StackName: `${registry.deployment}-storage`, StackStatus: 'CREATE_COMPLETE' as const };
  resources = new Resources('local', 'tried', [{ ...stack, CreationTime: new Date(), Outputs }]);
});

afterAll(() => cloud?.stop());

/** What the state machine was given, the last first. */
async function told(): Promise<unknown[]> {
  const { sfn } = connection.clients;
  const { executions = [] } = await sfn.send(new ListExecutionsCommand({ stateMachineArn: registry.machine }));
  const sorted = executions.sort((a, b) => (b.startDate?.getTime() ?? 0) - (a.startDate?.getTime() ?? 0));
  const all = await Promise.all(
    sorted.map(({ executionArn }) => sfn.send(new DescribeExecutionCommand({ executionArn }))),
  );
  return all.map(({ input }) => JSON.parse(input ?? 'null'));
}

const records = () => new ExperimentRecords(connection.clients.dynamodb, 'tried-scores');
const both = () => contenders(connection.clients, resources, 2);

test('only an approved version for the same features is tried against the one that serves', async () => {
  const { clients } = connection;
  await expect(contenders(clients, resources, 1)).rejects.toThrow('Version 1 serves: it can’t'.replace('’', "'"));
  await expect(contenders(clients, resources, 3)).rejects.toThrow('Version 3 is PendingManualApproval');
  await expect(contenders(clients, resources, 4)).rejects.toThrow('Version 4 was trained for another definition');
  await expect(contenders(clients, resources, 9)).rejects.toThrow('no version 9');
  const { champion, challenger } = await both();
  expect([champion.version, challenger.version]).toEqual([1, 2]);
});

test('an experiment starts once, widens and never narrows, ends, and its name is used up', async () => {
  const { clients } = connection;
  await expect(runningOne(clients, resources)).rejects.toThrow('No experiment runs');
  const contestants = await both();
  const record = await start(clients, resources, experiment('first'), contestants);
  expect(await told()).toEqual([{ challenger_package_arn: contestants.challenger.arn }]);
  expect(await new DynamoExperiments(clients.dynamodb, 'tried-scores').running()).toEqual(record);
  await expect(start(clients, resources, experiment('second'), contestants)).rejects.toThrow('Experiment first runs');
  await expect(records().begin(record)).rejects.toThrow('Another experiment runs, or first ran before');

  await expect(widen(clients, resources, 0.2)).rejects.toThrow('coverage: found 0.2; allowed: above 0.2');
  await expect(widen(clients, resources, 0.95)).rejects.toThrow('coverage: found 0.95; allowed: up to 0.9');
  const wider = await widen(clients, resources, 0.5);
  expect(wider.coverage.map(({ coverage }) => coverage)).toEqual([0.2, 0.5]);
  await expect(records().change(record, wider)).rejects.toThrow('The experiment was changed meanwhile');
  await expect(records().end(record, record)).rejects.toThrow('The experiment was changed meanwhile');

  const ended = await end(clients, resources, wider, 'stopped');
  expect((await told())[0]).toEqual({ end_experiment: true });
  expect(await new DynamoExperiments(clients.dynamodb, 'tried-scores').running()).toBeNull();
  expect(await found(clients, resources, 'first')).toEqual(ended);
  await expect(start(clients, resources, experiment('first'), contestants)).rejects.toThrow('first ran before');
  await expect(found(clients, resources, 'second')).rejects.toThrow('Experiment second never started');
});

test('a promotion ends it, and deploys the challenger as an approved version; it goes on where it broke off', async () => {
  const { clients } = connection;
  const contestants = await both();
  const record = await start(clients, resources, experiment('second'), contestants);
  const promoted = await promote(clients, resources, record);
  expect(promoted.status).toBe('promoted');
  const last = [{ model_package_arn: contestants.challenger.arn }, { end_experiment: true }];
  expect((await told()).slice(0, 2)).toEqual(last);
  await promote(clients, resources, await found(clients, resources, 'second'));
  expect((await told()).slice(0, 2)).toEqual(last);
  expect(await found(clients, resources, 'second')).toEqual(promoted);
});

test('a record of newer code is refused, not guessed at', async () => {
  const Item = { entity_id: { S: '#experiment' }, kind: { S: 'odd' }, record: { S: '{"status":"paused"}' } };
  await connection.clients.dynamodb.send(new PutItemCommand({ TableName: 'tried-scores', Item }));
  await expect(records().named('odd')).rejects.toThrow();
});

describe('status', () => {
  test('reads what the analysis wrote, and says when it has not run', async () => {
    const { clients } = connection;
    expect(await readReport(clients, resources, 'first')).toBeNull();
    const Key = 'reports/experiments/first/report.json';
    await clients.s3.send(new PutObjectCommand({ Bucket: lake, Key, Body: JSON.stringify(REPORT) }));
    expect(await readReport(clients, resources, 'first')).toEqual(REPORT);
  });

  test('is a table, the interval on a line, the checks and the recommendation', () => {
    expect(reportLines(REPORT)).toEqual([
      '            exposed  known  waiting  no value  mean',
      'champion        200    150       40        10  3.25',
      'challenger      190    151       30         9  3.75',
      '',
      'challenger less champion: 0.5 [-0.25, 1.25], 15.4 % [-7.7 %, 38.5 %] of it; holds at every look with 95 %, p 0.4',
      intervalLine(estimate),
      'sample ratio: p 1 at every look, 0.612 at this one (broken below 0.001)',
      'exposed to both variants: 1 (0.256 %, at most 1 %)',
      'as a description, and no reason to stop: better with a chance of 91 %',
      '',
      'wait: No difference is proven yet.',
    ]);
    const told = reportLines({ ...REPORT, binary: true, difference: null, relative: null, description: null });
    expect(told).toContain('challenger less champion: nothing to judge by yet');
  });

  test.each([
    [{ value: 0.5, low: -0.25, high: 1.25 }, /^\[─{9}\|─{19}o─{29}\]$/],
    [{ value: 2, low: 1, high: 4 }, /^\| {14}\[─{14}o─{29}\]$/],
    [{ value: -2, low: -4, high: -1 }, /^\[─{29}o─{14}\] {14}\|$/],
    [{ value: 0, low: 0, high: 0 }, /^o$/],
  ])('the interval %j', (interval, line) => {
    expect(intervalLine(interval)).toMatch(line);
  });

  test('says of the record what it is judged by', async () => {
    const lines = recordLines(await found(connection.clients, resources, 'first'));
    expect(lines[0]).toMatch(/^first is stopped, since \d{4}-.* until .* UTC$/);
    expect(lines[1]).toBe(
      'judged by mean of orders 14 days later, which is to increase; coverage 50 % (began at 20 %)',
    );
  });
});

test('an experiment is named, or the only one', () => {
  const [one, other] = [experiment('one'), experiment('other')];
  expect(declared([one], undefined)).toBe(one);
  expect(declared([one, other], 'other')).toBe(other);
  expect(() => declared([one, other], undefined)).toThrow(
    'experiment: found no name; declared and deployed: one, other.',
  );
  expect(() => declared([], 'one')).toThrow('declares no experiment');
});
