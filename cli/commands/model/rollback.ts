import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { paginateDescribeAlarms, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeEndpointConfigCommand, UpdateEndpointCommand } from '@aws-sdk/client-sagemaker';
import {
  DescribeExecutionCommand,
  paginateListExecutions,
  type SFNClient,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { ROLLBACK_ALARM_PREFIX } from '../../../names/rollback.ts';
import { CHAMPION_VARIANT, CONFIG_ENDING } from '../../../names/variants.ts';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { runStateMachine, type Watch } from '../../stage/jobs.ts';
import type { Resources } from '../../stage/resources.ts';
import { isInProcess, servedNow } from './in-process.ts';
import {
  listConfigs,
  listVersions,
  type ModelVersion,
  pick,
  readServed,
  type Served,
  type ServingConfig,
  versionOf,
  versionsOfConfig,
} from './models.ts';
import { decide } from './serving.ts';

const POLL_MS = 1_000;
/** Executions looked at for what was served before; Step Functions keeps 90 days of them. */
const LOOKED_BACK = 200;

type Used = Pick<Clients, 'sagemaker' | 'sfn' | 'cloudwatch' | 's3'>;

/** What the training state machine ends with: lib/training/training-definition.ts. */
const deployment = z.object({ model_package_arn: z.string(), endpoint_name: z.string() });

export interface RollBack {
  /** The version that is left, and rejected. */
  readonly from: ModelVersion;
  readonly to: ModelVersion;
  /**
   * `alarms`: a canary is on its way, and its own alarms take it back. `configuration`: the endpoint takes one that it had.
   * `machine`: there is none any more, so the state machine deploys the version anew.
   */
  readonly by: 'alarms' | 'configuration' | 'machine';
  /** The configuration that it ends with; undefined where it is made anew. */
  readonly config: Pick<ServingConfig, 'name'> | undefined;
  /** Alarms of the canary. */
  readonly alarms: readonly string[];
  /** Execution that would undo it: a shadow of its own listens. */
  readonly running?: string;
}

/**
 * What a roll-back would do. From a canary: back to the fleet that is there still. From an experiment: back to its champion.
 * Else to the version that came into service last before the one that serves, and was not rejected since.
 *
 * @param wanted a version to go back to. @default - the one before
 * @throws CliError when nothing serves, the endpoint can't be changed now, or there is nothing to go back to
 */
export async function planRollBack(clients: Used, resources: Resources, wanted?: number): Promise<RollBack> {
  const { sagemaker } = clients;
  const served = await servedNow(clients, resources);
  if (served?.version === undefined)
    throw new CliError(`${resources.deployment} serves no version of its registry: there is nothing to roll back.`);
  const versions = await listVersions(sagemaker, resources);
  if (served.status === 'Updating' && wanted === undefined) {
    const stopping = await planStop(clients, resources, served, versions);
    if (stopping) return stopping;
  }
  if (served.status !== 'InService')
    throw new CliError(
      `The endpoint ${served.endpoint} is ${served.status}: SageMaker changes it only when it is InService. Wait, then run this again.`,
    );
  if (served.challenger !== undefined && isInProcess(resources))
    throw new CliError(
      'An experiment runs: end it first with `npx tidemark experiment stop`, which leaves its champion.',
    );
  if (served.challenger !== undefined && (wanted === undefined || wanted === served.version))
    return {
      from: pick(versions, served.challenger),
      to: pick(versions, served.version),
      ...{ by: 'configuration', config: { name: await championConfig(sagemaker, served.config) }, alarms: [] },
    };
  const from = pick(versions, served.version);
  if (wanted !== undefined) pick(versions, wanted);
  const to = (await servedBefore(clients.sfn, resources))
    .flatMap((version) => versions.find((model) => model.version === version) ?? [])
    .find(({ version, approval }) =>
      wanted === undefined ? version !== from.version && approval === 'Approved' : version === wanted,
    );
  if (!to) {
    const what = wanted === undefined ? `No approved version but ${from.version} was` : `Version ${wanted} was never`;
    throw new CliError(
      `${what} in service within the last 90 days: deploy one with \`npx tidemark model approve --version <n> --stage ${resources.stage}\`.`,
    );
  }
  if (isInProcess(resources)) return { from, to, by: 'machine', config: undefined, alarms: [] };
  const config = (await listConfigs(sagemaker, resources)).find(({ version }) => version === to.version);
  const running = await listening(clients.sfn, resources, served.config);
  return { from, to, by: config ? 'configuration' : 'machine', config, alarms: [], ...(running && { running }) };
}

/** @returns undefined where no alarm watches the change under way: then it can only be waited for */
async function planStop(
  { sagemaker, cloudwatch }: Used,
  resources: Resources,
  served: Served,
  versions: readonly ModelVersion[],
): Promise<RollBack | undefined> {
  const AlarmNamePrefix = `${resources.stage}/${resources.useCase}/${ROLLBACK_ALARM_PREFIX}`;
  const run = served.pending?.slice(resources.deployment.length + 1);
  const alarms: string[] = [];
  for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client: cloudwatch }, { AlarmNamePrefix }))
    alarms.push(...MetricAlarms.flatMap(({ AlarmName = '' }) => (AlarmName.endsWith(`-${run}`) ? [AlarmName] : [])));
  const { champion } = await versionsOfConfig(sagemaker, resources, served.pending ?? '');
  if (alarms.length === 0 || champion === undefined || served.version === undefined) return undefined;
  return {
    from: pick(versions, champion),
    to: pick(versions, served.version),
    ...{ by: 'alarms', config: { name: served.config }, alarms },
  };
}

/** A model that serves alone has a configuration of its name (lib/training/making-definition.ts). */
async function championConfig(client: Used['sagemaker'], config: string): Promise<string> {
  const { ProductionVariants = [] } = await client.send(
    new DescribeEndpointConfigCommand({ EndpointConfigName: config }),
  );
  return ProductionVariants.find(({ VariantName }) => VariantName === CHAMPION_VARIANT)?.ModelName ?? '';
}

/** The execution whose shadow listens in this configuration; it would put its own back. */
async function listening(client: SFNClient, resources: Resources, config: string): Promise<string | undefined> {
  if (!config.endsWith(CONFIG_ENDING.shadow)) return undefined;
  const run = config.slice(resources.deployment.length + 1, -CONFIG_ENDING.shadow.length);
  const query = { stateMachineArn: resources.get('trainingStateMachine'), statusFilter: 'RUNNING' } as const;
  for await (const { executions = [] } of paginateListExecutions({ client }, query))
    for (const { executionArn, name = '' } of executions)
      if (createHash('sha256').update(name).digest('hex').startsWith(run)) return executionArn;
  return undefined;
}

/** Versions whose deployment ended in service, the last one first: a configuration alone may be of one that was rolled back. */
async function servedBefore(client: SFNClient, resources: Resources): Promise<number[]> {
  const served = new Set<number>();
  const query = { stateMachineArn: resources.get('trainingStateMachine'), statusFilter: 'SUCCEEDED' } as const;
  let looked = 0;
  for await (const page of paginateListExecutions({ client }, query)) {
    for (const { executionArn } of page.executions ?? []) {
      if (looked++ >= LOOKED_BACK) return [...served];
      const { output = 'null' } = await client.send(new DescribeExecutionCommand({ executionArn }));
      const version = versionOf(resources, deployment.safeParse(JSON.parse(output)).data?.model_package_arn);
      if (version !== undefined) served.add(version);
    }
  }
  return [...served];
}

/**
 * Goes back, and rejects the version that is left, so that nothing deploys it again. A canary goes back by its own alarms,
 * which are set ringing. Else the endpoint takes the configuration all at once: no canary and no alarms, for those of the
 * version that is left may ring, and would undo this.
 *
 * @throws CliError when the endpoint does not come back into service with it
 */
export async function rollBack(clients: Used, resources: Resources, plan: RollBack, watch: Watch): Promise<void> {
  const { sagemaker, sfn } = clients;
  if (plan.running !== undefined)
    await sfn.send(
      new StopExecutionCommand({ executionArn: plan.running, error: 'RolledBack', cause: 'tidemark model rollback' }),
    );
  if (plan.config === undefined)
    await runStateMachine(sfn, resources.get('trainingStateMachine'), { model_package_arn: plan.to.arn }, watch);
  else {
    if (plan.by === 'configuration') {
      await sagemaker.send(
        new UpdateEndpointCommand({
          EndpointName: resources.get('endpoint'),
          EndpointConfigName: plan.config.name,
          // As many instances as there are now: they were scaled to the present load.
          RetainAllVariantProperties: true,
          // Weights may be those of an experiment.
          ExcludeRetainedVariantProperties: [{ VariantPropertyType: 'DesiredWeight' }],
        }),
      );
      watch.onState?.('Updating');
    }
    await untilServedWith(clients, resources, plan.config.name, watch, plan.alarms);
  }
  await decide(clients, plan.from, 'Rejected', `Rolled back to version ${plan.to.version}`);
}

/** "SetAlarmState": until the next evaluation, which is a minute away at most, so it is said again and again. */
async function ring({ cloudwatch }: Used, alarms: readonly string[]): Promise<void> {
  for (const AlarmName of alarms)
    await cloudwatch.send(
      new SetAlarmStateCommand({ AlarmName, StateValue: 'ALARM', StateReason: 'tidemark model rollback' }),
    );
}

async function untilServedWith(
  clients: Used,
  resources: Resources,
  config: string,
  watch: Watch,
  alarms: readonly string[],
): Promise<void> {
  const { sagemaker } = clients;
  const endpoint = resources.get('endpoint');
  for (let status: string | undefined = 'Updating'; ; ) {
    if (status === 'Updating') await ring(clients, alarms);
    await sleep(POLL_MS, undefined, { signal: watch.signal });
    const served = await readServed(sagemaker, resources);
    if (served?.status === 'InService') {
      if (served.config === config) return;
      throw new CliError(
        `The endpoint kept version ${served.version}: ${served.failure ?? 'SageMaker gave no reason'}. Look at /aws/sagemaker/Endpoints/${endpoint}.`,
      );
    }
    if (served === undefined || served.status === 'Failed' || served.status === 'UpdateRollbackFailed')
      throw new CliError(
        `The endpoint is ${served?.status ?? 'gone'}: ${served?.failure ?? 'SageMaker gave no reason'}; runbook: docs/runbook.md#endpoint-failed`,
      );
    status = served.status;
    watch.onState?.(served.status);
  }
}
