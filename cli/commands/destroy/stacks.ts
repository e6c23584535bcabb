import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CloudFormationClient,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { CliError } from '../../errors.ts';
import type { Watch } from '../../stage/jobs.ts';

const POLL_MS = 2_000;

/**
 * Deletes a stack and waits until it is gone, as `cdk destroy` does for each, without making the app's templates again.
 * @throws CliError with what CloudFormation could not delete and why
 */
export async function deleteStack(client: CloudFormationClient, StackName: string, watch: Watch = {}): Promise<void> {
  const since = Date.now();
  // By its id, which stays known after the deletion.
  const id = (await stackOf(client, StackName))?.StackId;
  if (id === undefined) return;
  await client.send(new DeleteStackCommand({ StackName: id }));
  for (;;) {
    const stack = await stackOf(client, id);
    if (stack === undefined || stack.StackStatus === 'DELETE_COMPLETE') return;
    if (stack.StackStatus !== 'DELETE_IN_PROGRESS')
      throw new CliError(
        `Stack ${StackName} is ${stack.StackStatus}: ${await failuresOf(client, id, since)}. Put that right and run this again.`,
      );
    watch.onState?.(StackName);
    await sleep(POLL_MS, undefined, { signal: watch.signal });
  }
}

async function stackOf(client: CloudFormationClient, StackName: string) {
  try {
    return (await client.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];
  } catch (error) {
    // CloudFormation has no error of its own for a stack that is not there.
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
}

async function failuresOf(client: CloudFormationClient, StackName: string, since: number): Promise<string> {
  const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName }));
  const failed = StackEvents.filter(
    ({ ResourceStatus, Timestamp }) =>
      ResourceStatus === 'DELETE_FAILED' && (Timestamp?.getTime() ?? 0) >= since - 60_000,
  );
  return (
    failed
      .map(({ LogicalResourceId, ResourceStatusReason }) => `${LogicalResourceId}: ${ResourceStatusReason}`)
      .join('; ') || 'CloudFormation gave no reason'
  );
}
