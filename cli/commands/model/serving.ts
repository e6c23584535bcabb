import { setTimeout as sleep } from 'node:timers/promises';
import { UpdateEndpointCommand, UpdateModelPackageCommand } from '@aws-sdk/client-sagemaker';
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  paginateListExecutions,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { followExecution, runStateMachine, type Watch } from '../../stage/jobs.ts';
import { flagsOf, type Resources } from '../../stage/resources.ts';
import {
  listConfigs,
  listVersions,
  type ModelVersion,
  pick,
  readServed,
  type ServingConfig,
  versionOf,
} from './models.ts';

const POLL_MS = 1_000;
/** An approval starts its deployment by an event: this long (ms) it may be under way. */
const EVENT_MS = 120_000;
/** Executions looked at for what was served before; Step Functions keeps 90 days of them. */
const LOOKED_BACK = 200;

type Used = Pick<Clients, 'sagemaker' | 'sfn'>;

/** What the training state machine is given and ends with: lib/training/training-definition.ts. */
const input = z.object({ model_package_arn: z.string() });
const deployment = z.object({ model_package_arn: z.string(), endpoint_name: z.string() });

/** Says yes or no to a version. @param reason for whoever asks later */
export async function decide(
  { sagemaker }: Pick<Clients, 'sagemaker'>,
  model: ModelVersion,
  ModelApprovalStatus: 'Approved' | 'Rejected',
  reason: string,
): Promise<void> {
  await sagemaker.send(
    new UpdateModelPackageCommand({
      ModelPackageArn: model.arn,
      ModelApprovalStatus,
      ApprovalDescription: reason,
    }),
  );
}

/**
 * Approves a version and follows its deployment to the end.
 *
 * @param byEvent the stage's approvals start their deployment by a rule (`training.approval: 'manual'`); one that changes
 *   nothing announces nothing, so then, and in the other stages, the deployment is started here
 * @throws CliError when it does not come into service
 */
export async function approve(
  clients: Used,
  resources: Resources,
  model: ModelVersion,
  { byEvent, reason, watch }: { readonly byEvent: boolean; readonly reason: string; readonly watch: Watch },
): Promise<void> {
  const machine = resources.get('trainingStateMachine');
  const since = Date.now();
  const changes = model.approval !== 'Approved';
  if (changes) await decide(clients, model, 'Approved', reason);
  if (!byEvent || !changes) {
    await runStateMachine(clients.sfn, machine, { model_package_arn: model.arn }, watch);
    return;
  }
  watch.onState?.('approved; waiting for its deployment to start');
  const execution = await startedFor(clients.sfn, machine, model.arn, since, watch.signal);
  if (execution === undefined) {
    const { stage, useCase: usecase } = resources;
    throw new CliError(
      `Version ${model.version} is approved, but nothing deploys it after ${EVENT_MS / 1000} s: look at the dead letters of the rule ModelApproved with \`npx tidemark redrive ${flagsOf({ stage, usecase })}\`, or run this command again.`,
    );
  }
  await followExecution(clients.sfn, execution, watch);
}

/** The execution that a rule started for this package; undefined when none comes. */
async function startedFor(
  client: SFNClient,
  stateMachineArn: string,
  arn: string,
  since: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  // Clocks differ: an execution of just before the approval may be its own.
  const from = since - 30_000;
  for (const deadline = Date.now() + EVENT_MS; Date.now() < deadline; ) {
    const { executions = [] } = await client.send(new ListExecutionsCommand({ stateMachineArn, maxResults: 20 }));
    for (const { executionArn, startDate } of executions) {
      if ((startDate?.getTime() ?? 0) < from) continue;
      const execution = await client.send(new DescribeExecutionCommand({ executionArn }));
      if (input.safeParse(JSON.parse(execution.input ?? 'null')).data?.model_package_arn === arn) return executionArn;
    }
    await sleep(POLL_MS, undefined, { signal });
  }
  return undefined;
}

export interface RollBack {
  readonly from: ModelVersion;
  readonly to: ModelVersion;
  /** The configuration it was served with; undefined when it was cleaned away: then it is deployed anew. */
  readonly config: ServingConfig | undefined;
}

/**
 * What a roll-back would do: go to the version that came into service last before the one that serves, and was not rejected
 * since.
 *
 * @param wanted a version to go back to. @default - the one before
 * @throws CliError when nothing serves, or there is nothing to go back to
 */
export async function planRollBack(clients: Used, resources: Resources, wanted?: number): Promise<RollBack> {
  const { sagemaker } = clients;
  const served = await readServed(sagemaker, resources);
  if (served?.version === undefined)
    throw new CliError(`${resources.deployment} serves no version of its registry: there is nothing to roll back.`);
  if (served.status !== 'InService')
    throw new CliError(
      `The endpoint ${served.endpoint} is ${served.status}: SageMaker changes it only when it is InService. Wait, then run this again.`,
    );
  const versions = await listVersions(sagemaker, resources);
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
  const config = (await listConfigs(sagemaker, resources)).find(({ version }) => version === to.version);
  return { from, to, config };
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
 * Goes back: the endpoint takes its former configuration all at once, and the version that is left is rejected, so that
 * nothing deploys it again. No canary and no alarms: those of the version that is left may ring, and would undo this. Where
 * the configuration is gone, the state machine deploys the version anew.
 *
 * @throws CliError when the endpoint does not come back into service with it
 */
export async function rollBack(clients: Used, resources: Resources, plan: RollBack, watch: Watch): Promise<void> {
  const { sagemaker, sfn } = clients;
  if (plan.config === undefined)
    await runStateMachine(sfn, resources.get('trainingStateMachine'), { model_package_arn: plan.to.arn }, watch);
  else {
    await sagemaker.send(
      new UpdateEndpointCommand({
        EndpointName: resources.get('endpoint'),
        EndpointConfigName: plan.config.name,
        // As many instances as there are now: they were scaled to the present load.
        RetainAllVariantProperties: true,
      }),
    );
    watch.onState?.('Updating');
    await untilServedWith(clients, resources, plan.config.name, watch);
  }
  await decide(clients, plan.from, 'Rejected', `Rolled back to version ${plan.to.version}`);
}

async function untilServedWith(
  { sagemaker }: Pick<Clients, 'sagemaker'>,
  resources: Resources,
  config: string,
  watch: Watch,
): Promise<void> {
  const endpoint = resources.get('endpoint');
  for (;;) {
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
    watch.onState?.(served.status);
  }
}
