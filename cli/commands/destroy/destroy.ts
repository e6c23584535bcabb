import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteEndpointCommand, DeleteModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { deploymentName } from '../../../names/deployments.ts';
import type { Progress } from '../../../setup/progress.mjs';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { type Resources, readDeployments } from '../../stage/resources.ts';
import { readServed } from '../model/models.ts';
import { emptyBucket } from './buckets.ts';
import { deleteAlarms, deleteModels, deleteRunTimeLogs } from './left-behind.ts';
import type { DestructionPlan } from './plan.ts';
import { deleteStack } from './stacks.ts';

const POLL_MS = 1_000;
/** A server access log may arrive hours after its request: the bucket is emptied and tried again so often. */
const ATTEMPTS = 3;

/**
 * Takes a deployment down. Who writes goes first, so that what was emptied stays empty: endpoint, then all stacks but the
 * storage, then models, versions, logs and objects, then the storage. It may be run again after any failure.
 *
 * @throws CliError with what could not be deleted, and why
 */
export async function destroy(
  clients: Clients,
  resources: Resources,
  plan: DestructionPlan,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const { deployment } = resources;
  const storage = `${deployment}-storage`;
  if (plan.endpoint !== undefined)
    await progress.step(`Delete the endpoint ${plan.endpoint}`, () => deleteEndpoint(clients, resources, signal));
  for (const { name } of plan.stacks.filter((stack) => stack.name !== storage))
    await progress.step(`Delete the stack ${name}`, () => deleteStack(clients.cloudformation, name, { signal }));
  await progress.step('Delete models, endpoint configurations and versions of the registry', async () => {
    if (plan.alarmPrefix !== undefined) await deleteAlarms(clients, plan.alarmPrefix);
    await deleteModels(clients, plan.made);
    for (const ModelPackageName of plan.versions)
      await clients.sagemaker.send(new DeleteModelPackageCommand({ ModelPackageName }));
  });
  const others = [...(await readDeployments(clients.cloudformation, resources.stage)).keys()]
    .map((name) => deploymentName(resources.stage, name))
    .filter((name) => name !== deployment);
  await progress.step(
    'Delete what SageMaker and Glue logged',
    () => deleteRunTimeLogs(clients, deployment, others, plan.made),
    (deleted) => `${deleted} groups and streams`,
  );
  if (plan.stacks.some((stack) => stack.name === storage))
    await deleteStorage(clients, storage, plan.buckets, progress, signal);
}

async function deleteEndpoint(
  { sagemaker }: Pick<Clients, 'sagemaker'>,
  resources: Resources,
  signal: AbortSignal,
): Promise<void> {
  for (let asked = false; ; ) {
    const served = await readServed(sagemaker, resources);
    if (served === undefined) return;
    // While it is changed SageMaker refuses to delete it.
    if (!asked && !/^(Creating|Updating|SystemUpdating|RollingBack|Deleting)$/.test(served.status)) {
      await sagemaker.send(new DeleteEndpointCommand({ EndpointName: served.endpoint }));
      asked = true;
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function deleteStorage(
  clients: Clients,
  stack: string,
  buckets: readonly string[],
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    for (const bucket of buckets)
      await progress.step(
        `Empty ${bucket}`,
        (step) => emptyBucket(clients.s3, bucket, (count) => step.update(`${count} versions`)),
        (count) => `${count} versions`,
      );
    try {
      return await progress.step(`Delete the stack ${stack}`, () =>
        deleteStack(clients.cloudformation, stack, { signal }),
      );
    } catch (error) {
      const filled = error instanceof CliError && /not empty|BucketNotEmpty/i.test(error.message);
      if (!filled || attempt === ATTEMPTS) throw error;
    }
  }
}
