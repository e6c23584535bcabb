import { setTimeout as sleep } from 'node:timers/promises';
import { UpdateModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { DescribeExecutionCommand, ListExecutionsCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { followExecution, runStateMachine, type Watch } from '../../stage/jobs.ts';
import { flagsOf, type Resources } from '../../stage/resources.ts';
import type { ModelVersion } from './models.ts';

const POLL_MS = 1_000;
/** An approval starts its deployment by an event: this long (ms) it may be under way. */
const EVENT_MS = 120_000;

type Used = Pick<Clients, 'sagemaker' | 'sfn'>;

/** What the training state machine is given: lib/training/training-definition.ts. */
const input = z.object({ model_package_arn: z.string() });

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
