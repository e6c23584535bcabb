/** What commands say of a deployment that leaves parts out: one sentence, before anything is asked or changed. */
import { CloudFormationClient, type Stack } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from '@jest/globals';
import { describePlan } from '../../cli/commands/destroy/command.ts';
import { webhookFindings } from '../../cli/commands/doctor/webhook.ts';
import { clearOnline } from '../../cli/commands/erase/erase.ts';
import { listVersions, type ModelVersion, readServed } from '../../cli/commands/model/models.ts';
import { approve } from '../../cli/commands/model/serving.ts';
import { rebuildTrainingSet } from '../../cli/commands/train/rebuild.ts';
import { runTraining } from '../../cli/commands/train/train.ts';
import { Resources } from '../../cli/stage/resources.ts';
import type { OutputName } from '../../names/outputs.ts';

const stackOf = (kind: string, outputs: Readonly<Record<string, string>>): Stack => ({
  StackName: `tidemark-local-spending-${kind}`,
  StackStatus: 'CREATE_COMPLETE',
  CreationTime: new Date(0),
  Outputs: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
});
const storage = { StreamName: 'events', FeaturesTableName: 'features', LakeBucketName: 'lake' };
const scoring = { ScoresTableName: 'scores', ModelPackageGroupName: 'models' };
const resourcesOf = (outputs: Readonly<Record<string, string>>) =>
  new Resources('local', 'spending', [stackOf('storage', outputs)]);

const alone = resourcesOf(storage);
const quiet = resourcesOf({ ...storage, ...scoring });
const whole = resourcesOf({ ...storage, ...scoring, SlackSecretArn: 'arn' });
/** The paginators want a client by its class. */
function answering<Client>(
  of: { readonly prototype: Client },
  answer: (input: Record<string, unknown>) => unknown,
): Client {
  const send = async ({ input }: { input: Record<string, unknown> }) => answer(input);
  return Object.assign(Object.create(of.prototype as object), { send });
}

/** Fails whatever is called: nothing may be. */
const nobody = new Proxy(
  {},
  {
    get: (_, name) => new Proxy({}, { get: () => () => Promise.reject(new Error(`${String(name)} was called`)) }),
  },
) as never;
const NO_MODEL = /^tidemark-local-spending has no model: its use case has events and features alone, so [^.]+\.$/s;

test('what is deployed says which parts there are', () => {
  expect([alone, quiet, whole].map((one) => [one.featuresAlone, one.withoutAlerts])).toEqual([
    [true, true],
    [false, true],
    [false, false],
  ]);
  // Where the first stack is not there yet, nothing is known, and nothing is said of parts.
  const begun = new Resources('local', 'spending', []);
  expect([begun.featuresAlone, begun.withoutAlerts]).toEqual([false, false]);
  expect(() => begun.get('endpoint')).toThrow(/has no output EndpointName: deploy it again/);
});

describe('events and features alone', () => {
  test.each<[string, () => unknown]>([
    ['train', () => runTraining(nobody, alone, {}, {})],
    ['train rebuild', () => rebuildTrainingSet(nobody, alone, 'a'.repeat(16), {})],
    ['model ls', () => listVersions(nobody, alone)],
    ['model show', () => readServed(nobody, alone)],
    ['model approve', () => approve(nobody, alone, {} as ModelVersion, { byEvent: false, reason: '', watch: {} })],
    ['any of them, first', async () => alone.requireModel()],
  ])('%s says that there is no model', async (_, run) => {
    await expect((async () => run())()).rejects.toThrow(NO_MODEL);
  });

  test.each<OutputName>(['scoresTable', 'sweepFunction', 'checkConsistencyJob'])('%s is of the model', (name) => {
    expect(() => alone.get(name)).toThrow(NO_MODEL);
  });

  test('webhook says that there are no alerts, and the doctor that none is needed', async () => {
    for (const one of [alone, quiet])
      expect(() => one.get('slackSecret')).toThrow(/^tidemark-local-spending has no alerts: [^.]+\.$/);
    const cloudformation = answering(CloudFormationClient, () => ({ Stacks: [stackOf('storage', storage)] }));
    const clients = { cloudformation, secrets: nobody } as never;
    expect(await webhookFindings(clients, 'local', true)).toEqual([
      { subject: 'Slack webhook of spending', state: 'ok', found: 'not needed: this use case has no alerts' },
    ]);
  });

  test('destroy names no registry and nothing that serves', () => {
    const made = { models: [], configs: [], runs: ['jr_1'] };
    const table = { logicalId: 'T', physicalId: 'features', type: 'AWS::DynamoDB::GlobalTable', stays: false };
    const stacks = [{ name: 'tidemark-local-spending-storage', resources: [table] }];
    const plan = { stacks, buckets: ['lake'], versions: [], endpoint: undefined, made, alarmPrefix: undefined };
    const text = describePlan(alone, plan as never, 'account 1');
    expect(text).toMatch(/tables {5}features\n/);
    expect(text).toMatch(/logs {7}of 1 runs of Glue jobs/);
    expect(text).not.toMatch(/registry|endpoint|SageMaker|training/);
  });

  test('erase looks into the one table there is', async () => {
    const tables: string[] = [];
    const client = answering(DynamoDBClient, ({ TableName }) => {
      tables.push(String(TableName));
      return { Items: [] };
    });
    expect(await clearOnline(client, alone, 'ann')).toEqual([0]);
    expect(await clearOnline(client, whole, 'ann')).toEqual([0, 0]);
    expect(tables).toEqual(['features', 'features', 'scores']);
  });
});
