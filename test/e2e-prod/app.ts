/** What the tests ask of the deployed app, and do to it, as its users would. */
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { UpdateModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { DescribeExecutionCommand, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import type { Session } from '../../cli/commands/demo/session.ts';
import { readScoresTable, until } from '../../cli/commands/demo/stages.ts';
import { readServed } from '../../cli/commands/model/models.ts';

/** What an account waits for takes a twentieth here: canaries, polling, the periods of alarms. */
export const CLOUD = { timeScale: 0.05 };
/** For all that waits for Glue, SageMaker or CloudFormation. */
export const LONG_MS = 1_200_000;

export class App {
  private readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  served(): ReturnType<typeof readServed> {
    return readServed(this.session.connection.clients.sagemaker, this.session.resources);
  }

  async scores(): Promise<Awaited<ReturnType<typeof readScoresTable>>['scores']> {
    return (await readScoresTable(this.session)).scores;
  }

  async serves(version: number): Promise<boolean> {
    const now = await this.served();
    return now?.status === 'InService' && now.version === version;
  }

  async sweep(): Promise<{ readonly scored: number }> {
    const { FunctionError, Payload } = await this.session.connection.clients.lambda.send(
      new InvokeCommand({ FunctionName: this.session.resources.get('sweepFunction'), Payload: Buffer.from('{}') }),
    );
    const text = Buffer.from(Payload ?? []).toString('utf8');
    if (FunctionError) throw new Error(`the sweep failed: ${text}`);
    return JSON.parse(text);
  }

  /** Says yes in the registry, as its console does, and waits for the deployment that this starts. @returns how it ended */
  async approveInRegistry(arn: string): Promise<string> {
    const { sagemaker, sfn } = this.session.connection.clients;
    const stateMachineArn = this.session.resources.get('trainingStateMachine');
    const list = async () => (await sfn.send(new ListExecutionsCommand({ stateMachineArn }))).executions ?? [];
    const before = new Set((await list()).map(({ executionArn }) => executionArn));
    await sagemaker.send(new UpdateModelPackageCommand({ ModelPackageArn: arn, ModelApprovalStatus: 'Approved' }));
    let ended = '';
    await until(
      this.session,
      'That the approved model was deployed, or was not',
      async () => {
        const [mine] = (await list()).filter(({ executionArn }) => !before.has(executionArn));
        if (!mine) return false;
        const { status, error, cause } = await sfn.send(
          new DescribeExecutionCommand({ executionArn: mine.executionArn }),
        );
        ended = [status, error, cause].filter(Boolean).join(' ');
        return status !== 'RUNNING';
      },
      LONG_MS,
    );
    return ended;
  }
}
