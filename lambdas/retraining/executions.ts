import { DescribeExecutionCommand, ExecutionDoesNotExist, type SFNClient } from '@aws-sdk/client-sfn';
import type { Outcome } from '../../engine/retraining/admission.ts';

/** Errors of the machine that come behind a model: it was made, and the same inputs would make it again. */
const AFTER_TRAINING = new Set(['ModelRejected', 'DeploymentFailed']);

/** How an execution of the training machine ended. @param execution its ARN */
export async function outcomeOf(sfn: Pick<SFNClient, 'send'>, execution: string): Promise<Outcome> {
  try {
    const { status, error = '' } = await sfn.send(new DescribeExecutionCommand({ executionArn: execution }));
    if (status === 'RUNNING' || status === 'PENDING_REDRIVE') return 'running';
    return status === 'SUCCEEDED' || AFTER_TRAINING.has(error) ? 'learnt' : 'failed';
  } catch (error) {
    // Step Functions forgets executions after 90 days, and with the machine.
    if (error instanceof ExecutionDoesNotExist) return 'learnt';
    throw error;
  }
}
