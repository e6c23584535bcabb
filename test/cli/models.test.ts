import { setTimeout as sleep } from 'node:timers/promises';
import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { versionTable } from '../../cli/commands/model.ts';
import { type Connection, connectTo } from '../../cli/connection.ts';
import { approve, planRollBack, rollBack } from '../../cli/model-serving.ts';
import { describeVersion, listVersions, readServed } from '../../cli/models.ts';
import { type Resources, readResources } from '../../cli/resources.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { SmallRegistry } from './small-registry.ts';

let cloud: LocalCloud;
let connection: Connection;
let registry: SmallRegistry;
let resources: Resources;
const packages: string[] = [];

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true });
  connection = connectTo(cloud);
  registry = await SmallRegistry.make(cloud, connection, 'demo');
  // Another use case whose name goes on: its configurations share the prefix.
  const other = await SmallRegistry.make(cloud, connection, 'demo-2');
  await other.configure(await other.register('Approved'), 'aaaa');
  for (const [run, auc] of [
    ['1', '0.8000'],
    ['2', '0.8100'],
    ['3', '0.8200'],
  ] as const) {
    const arn = await registry.register('Approved', { auc, auc_low: '0.7900', auc_high: '0.8300' });
    packages.push(arn);
    const config = await registry.configure(arn, run);
    if (run === '1') await registry.createEndpoint(config);
    // The second was configured and never came into service, as when its alarm rolled it back.
    if (run !== '2') await registry.noteServed(arn);
  }
  resources = await readResources(connection.clients.cloudformation, { stage: 'local', usecase: 'demo' });
  await untilInService();
}, 120_000);

afterAll(() => cloud?.stop(), 30_000);

async function untilInService() {
  for (;;) {
    const served = await readServed(connection.clients.sagemaker, resources);
    if (served?.status === 'InService') return served;
    if (served?.status === 'Failed') throw new Error(served.failure);
    await sleep(200);
  }
}

test('versions are listed with their metrics, and the one that serves is marked', async () => {
  const { sagemaker } = connection.clients;
  const served = await readServed(sagemaker, resources);
  expect(served).toMatchObject({ version: 1, status: 'InService', config: 'tidemark-local-demo-1' });
  const versions = await listVersions(sagemaker, resources);
  expect(versions.map(({ version }) => version)).toEqual([3, 2, 1]);
  const [head, newest, , oldest] = versionTable(versions, served).split('\n');
  expect(head).toMatch(/^ {2}version +approval +created/);
  expect(newest).toMatch(/^ {2}3 +Approved .* 0\.8200 \(0\.7900–0\.8300\)/);
  expect(oldest).toMatch(/^\* 1 +Approved/);
});

test('there is nothing to go back to from the first, and a version that never served is refused', async () => {
  await expect(planRollBack(connection.clients, resources)).rejects.toThrow(/No approved version before version 1/);
  await expect(planRollBack(connection.clients, resources, 2)).rejects.toThrow(/Version 2 was not in service/);
  await expect(planRollBack(connection.clients, resources, 9)).rejects.toThrow(
    /no version 9 in the registry; there are: 3, 2, 1/,
  );
});

test('a roll-back serves the version that served before, not the one between, and rejects the one it leaves', async () => {
  const { sagemaker } = connection.clients;
  const to = await planRollBack(connection.clients, resources, 3);
  await rollBack(connection.clients, resources, to, {});
  expect(await readServed(sagemaker, resources)).toMatchObject({ version: 3, status: 'InService' });
  expect(await describeVersion(sagemaker, packages[0] ?? '')).toMatchObject({ approval: 'Rejected' });
  // Version 1 is rejected now: nothing is left to go back to, unless somebody approves it again.
  await expect(planRollBack(connection.clients, resources)).rejects.toThrow(/No approved version before version 3/);
  const first = await describeVersion(sagemaker, packages[0] ?? '');
  await approve(connection.clients, resources, first, { byEvent: false, reason: 'again', watch: {} });
  expect(await describeVersion(sagemaker, packages[0] ?? '')).toMatchObject({ approval: 'Approved', reason: 'again' });
  const states: string[] = [];
  const plan = await planRollBack(connection.clients, resources);
  expect([plan.from.version, plan.to.version, plan.config.name]).toEqual([3, 1, 'tidemark-local-demo-1']);
  await rollBack(connection.clients, resources, plan, { onState: (state) => states.push(state) });
  expect(states).toContain('Updating');
  expect(await readServed(sagemaker, resources)).toMatchObject({ version: 1, config: 'tidemark-local-demo-1' });
  expect(await describeVersion(sagemaker, packages[2] ?? '')).toMatchObject({
    approval: 'Rejected',
    reason: 'Rolled back to version 1',
  });
}, 60_000);

test('an approval by event follows the execution of its package, and no other', async () => {
  const arn = await registry.register('PendingManualApproval');
  const model = await describeVersion(connection.clients.sagemaker, arn);
  const seen: string[] = [];
  const approving = approve(connection.clients, resources, model, {
    ...{ byEvent: true, reason: 'good' },
    watch: { onState: (state) => seen.push(state) },
  });
  await registry.noteServed(packages[0] ?? '');
  await sleep(1_500);
  let done = false;
  void approving.then(() => {
    done = true;
  });
  await sleep(100);
  expect(done).toBe(false);
  // What the rule does when it gets the event.
  await registry.noteServed(arn);
  await approving;
  expect(seen[0]).toMatch(/approved/);
  const { executions = [] } = await connection.clients.sfn.send(
    new ListExecutionsCommand({ stateMachineArn: registry.machine }),
  );
  // Two of the set-up, one started by the approval above, these two: the command itself started none.
  expect(executions).toHaveLength(5);
}, 60_000);
