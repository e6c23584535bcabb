import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeAlarmsCommand, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import { DeleteEndpointConfigCommand, UpdateEndpointCommand } from '@aws-sdk/client-sagemaker';
import { DescribeExecutionCommand, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { versionTable } from '../../cli/commands/model/command.ts';
import { describeVersion, listConfigs, listVersions, readServed } from '../../cli/commands/model/models.ts';
import { planRollBack, rollBack } from '../../cli/commands/model/rollback.ts';
import { approve } from '../../cli/commands/model/serving.ts';
import { type Connection, connectTo } from '../../cli/stage/connection.ts';
import { type Resources, readResources } from '../../cli/stage/resources.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { SmallRegistry } from './small-registry.ts';

let cloud: LocalCloud;
let connection: Connection;
let registry: SmallRegistry;
let resources: Resources;
const packages: string[] = [];

beforeAll(async () => {
  cloud = await startLocalCloud({ quiet: true, timeScale: 0.05 });
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
    // The second is configured and never comes into service, as when its alarm rolls it back.
    if (run === '1') await registry.noteServed(arn);
  }
  resources = await readResources(connection.clients.cloudformation, { stage: 'local', usecase: 'demo' });
  await untilInService();
});

afterAll(() => cloud?.stop());

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
  await expect(planRollBack(connection.clients, resources)).rejects.toThrow(/No approved version but 1 was in service/);
  await expect(planRollBack(connection.clients, resources, 2)).rejects.toThrow(/Version 2 was never in service/);
  await expect(planRollBack(connection.clients, resources, 9)).rejects.toThrow(
    /no version 9 in the registry; there are: 3, 2, 1/,
  );
});

test('a roll-back serves the version that served before, not the one between, and rejects the one it leaves', async () => {
  const { sagemaker } = connection.clients;
  const forward = { EndpointName: registry.deployment, EndpointConfigName: 'tidemark-local-demo-3' };
  await sagemaker.send(new UpdateEndpointCommand(forward));
  expect(await untilInService()).toMatchObject({ version: 3 });
  await registry.noteServed(packages[2] ?? '');
  const plan = await planRollBack(connection.clients, resources);
  expect([plan.from.version, plan.to.version, plan.config?.name]).toEqual([3, 1, 'tidemark-local-demo-1']);
  const states: string[] = [];
  await rollBack(connection.clients, resources, plan, { onState: (state) => states.push(state) });
  expect(states[0]).toBe('Updating');
  expect(await readServed(sagemaker, resources)).toMatchObject({ version: 1, config: 'tidemark-local-demo-1' });
  const left = await describeVersion(sagemaker, packages[2] ?? '');
  expect(left).toMatchObject({ approval: 'Rejected', reason: 'Rolled back to version 1' });
  // The rejected one is nothing to go back to, unless somebody names it.
  await expect(planRollBack(connection.clients, resources)).rejects.toThrow(/No approved version but 1 was in service/);
  expect((await planRollBack(connection.clients, resources, 3)).to.version).toBe(3);
});

test('a version whose configuration was cleaned away is deployed anew by the state machine', async () => {
  const { sagemaker, sfn } = connection.clients;
  await registry.noteServed(packages[1] ?? '');
  await sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: 'tidemark-local-demo-2' }));
  const plan = await planRollBack(connection.clients, resources);
  expect([plan.to.version, plan.config]).toEqual([2, undefined]);
  await rollBack(connection.clients, resources, plan, {});
  const { executions = [] } = await sfn.send(new ListExecutionsCommand({ stateMachineArn: registry.machine }));
  const { input } = await sfn.send(new DescribeExecutionCommand({ executionArn: executions[0]?.executionArn }));
  expect(JSON.parse(input ?? '')).toEqual({ model_package_arn: packages[1] });
});

test('an approval that changes nothing, or of a stage without the rule, starts the deployment itself', async () => {
  const { sagemaker, sfn } = connection.clients;
  const count = async () =>
    (await sfn.send(new ListExecutionsCommand({ stateMachineArn: registry.machine }))).executions?.length ?? 0;
  const before = await count();
  const model = await describeVersion(sagemaker, packages[2] ?? '');
  await approve(connection.clients, resources, model, { byEvent: false, reason: 'again', watch: {} });
  const approved = await describeVersion(sagemaker, packages[2] ?? '');
  expect(approved).toMatchObject({ approval: 'Approved', reason: 'again' });
  await approve(connection.clients, resources, approved, { byEvent: true, reason: 'twice', watch: {} });
  expect(await describeVersion(sagemaker, packages[2] ?? '')).toMatchObject({ reason: 'again' });
  expect(await count()).toBe(before + 2);
});

test('an approval by event follows the execution of its package, and no other', async () => {
  const arn = await registry.register('PendingManualApproval');
  const model = await describeVersion(connection.clients.sagemaker, arn);
  const executions = async () =>
    (await connection.clients.sfn.send(new ListExecutionsCommand({ stateMachineArn: registry.machine }))).executions
      ?.length;
  const before = (await executions()) ?? 0;
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
  // The two above: the command itself started none.
  expect(await executions()).toBe(before + 2);
});

/** The commands' own time: what is not waiting for SageMaker. @returns ms */
async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const began = performance.now();
  return [await work(), performance.now() - began];
}

test('from an experiment it goes back to the champion alone, and the challenger is rejected', async () => {
  const { clients } = connection;
  const [champion, challenger] = [`${registry.deployment}-1`, `${registry.deployment}-3`];
  await updateTo(await registry.configureBoth(champion, challenger), 1);
  expect(await readServed(clients.sagemaker, resources)).toMatchObject({ version: 1, challenger: 3 });
  const [plan, planned] = await timed(() => planRollBack(clients, resources));
  expect([plan.from.version, plan.to.version, plan.by, plan.config?.name]).toEqual([3, 1, 'configuration', champion]);
  await rollBack(clients, resources, plan, {});
  const served = await readServed(clients.sagemaker, resources);
  expect([served?.version, served?.challenger, served?.config]).toEqual([1, undefined, champion]);
  expect(await describeVersion(clients.sagemaker, packages[2] ?? '')).toMatchObject({ approval: 'Rejected' });
  expect(planned).toBeLessThan(60_000);
  // The configuration of an experiment is none to go back to.
  const configs = await listConfigs(clients.sagemaker, resources);
  expect(configs.map(({ name }) => name)).not.toContain(`${challenger}-x`);
});

test('a canary is stopped by its own alarms, and the version on its way is rejected', async () => {
  const { clients } = connection;
  const arn = await registry.register('Approved');
  const config = await registry.configure(arn, '4');
  const alarm = 'local/demo/CanaryErrors-4';
  // An alarm of the same use case that is of another deployment stays as it is.
  for (const AlarmName of [alarm, 'local/demo/CanaryErrors-9'])
    await clients.cloudwatch.send(
      new PutMetricAlarmCommand({
        ...{ AlarmName, Namespace: 'AWS/SageMaker', MetricName: 'Invocation5XXErrors', Statistic: 'Sum' },
        ...{ Period: 60, EvaluationPeriods: 5, Threshold: 1, TreatMissingData: 'notBreaching' },
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      }),
    );
  await clients.sagemaker.send(
    new UpdateEndpointCommand({
      ...{ EndpointName: registry.deployment, EndpointConfigName: config },
      DeploymentConfig: {
        BlueGreenUpdatePolicy: {
          TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 },
          TerminationWaitInSeconds: 600,
        },
        AutoRollbackConfiguration: { Alarms: [{ AlarmName: alarm }] },
      },
    }),
  );
  const [plan, planned] = await timed(() => planRollBack(clients, resources));
  expect([plan.from.arn, plan.to.version, plan.by, plan.alarms]).toEqual([arn, 1, 'alarms', [alarm]]);
  const states: string[] = [];
  await rollBack(clients, resources, plan, { onState: (state) => states.push(state) });
  expect(states).toContain('RollingBack');
  expect(await readServed(clients.sagemaker, resources)).toMatchObject({ version: 1, status: 'InService' });
  expect(await describeVersion(clients.sagemaker, arn)).toMatchObject({ approval: 'Rejected' });
  const { MetricAlarms = [] } = await clients.cloudwatch.send(
    new DescribeAlarmsCommand({ AlarmNames: ['local/demo/CanaryErrors-9'] }),
  );
  expect(MetricAlarms[0]?.StateValue).toBe('OK');
  expect(planned).toBeLessThan(60_000);
  console.log(`planning a roll-back takes ${Math.round(planned)} ms`);
});

test('a change without alarms can only be waited for', async () => {
  const { clients } = connection;
  const forward = { EndpointName: registry.deployment, EndpointConfigName: `${registry.deployment}-3` };
  await clients.sagemaker.send(new UpdateEndpointCommand(forward));
  await expect(planRollBack(clients, resources)).rejects.toThrow(/is Updating: SageMaker changes it only when/);
  expect(await untilInService()).toMatchObject({ version: 3 });
});

async function updateTo(EndpointConfigName: string, version: number): Promise<void> {
  const { sagemaker } = connection.clients;
  await sagemaker.send(new UpdateEndpointCommand({ EndpointName: registry.deployment, EndpointConfigName }));
  expect(await untilInService()).toMatchObject({ version });
}
