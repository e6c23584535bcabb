import { setTimeout as sleep } from 'node:timers/promises';
import { type CloudWatchLogsClient, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetJobRunCommand, type JobRun, StartJobRunCommand } from '@aws-sdk/client-glue';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { type Asked, askedOf, type BatchJobName } from '../../names/jobs.ts';
import { CliError, messageOf } from '../errors.ts';
import type { Clients } from './connection.ts';
import type { Resources } from './resources.ts';

const POLL_MS = 700;
/** Glue's log group of what a job writes to stderr; each run is a stream. */
const ERROR_LOGS = '/aws-glue/jobs/error';
const SHOWN_LINES = 25;
const GLUE_RUNNING = new Set(['STARTING', 'RUNNING', 'STOPPING', 'WAITING']);

export interface Watch {
  /** Called with what it does now. */
  readonly onState?: (state: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Runs a Glue job of the deployment to its end.
 * @param asked arguments beside those that its construct gave it
 * @throws CliError with Glue's message when it does not succeed
 */
export async function runGlueJob<Name extends BatchJobName>(
  { glue, logs }: Pick<Clients, 'glue' | 'logs'>,
  resources: Pick<Resources, 'get'>,
  job: Name,
  asked: Asked<Name>,
  watch: Watch = {},
): Promise<JobRun> {
  return runJobCalled({ glue, logs }, resources.get(`${job}Job`), askedOf(job, asked), watch);
}

/**
 * As `runGlueJob`, for a job that a source has of its own.
 * @param name as it is called in the deployment
 * @param flags as Glue takes them
 */
export async function runJobCalled(
  { glue: client, logs }: Pick<Clients, 'glue' | 'logs'>,
  name: string,
  flags: Record<string, string>,
  watch: Watch = {},
): Promise<JobRun> {
  const { JobRunId } = await client.send(new StartJobRunCommand({ JobName: name, Arguments: flags }));
  for (;;) {
    const { JobRun: run } = await client.send(new GetJobRunCommand({ JobName: name, RunId: JobRunId }));
    const state = run?.JobRunState ?? 'STARTING';
    if (state === 'SUCCEEDED' && run) return run;
    if (!GLUE_RUNNING.has(state)) {
      const said = await lastLines(logs, JobRunId ?? '');
      throw new CliError(
        `Glue job ${name} ended as ${state}: ${run?.ErrorMessage ?? 'it gave no message'} (run ${JobRunId})\n${said}`,
      );
    }
    watch.onState?.(state.toLowerCase());
    await sleep(POLL_MS, undefined, { signal: watch.signal });
  }
}

/** Of a Java trace the lines that say something: its exceptions, not where they were thrown. */
async function lastLines(client: CloudWatchLogsClient, run: string): Promise<string> {
  try {
    const { events } = await client.send(
      new GetLogEventsCommand({ logGroupName: ERROR_LOGS, logStreamName: run, startFromHead: false }),
    );
    const lines = (events ?? []).flatMap(({ message }) => (message ?? '').split('\n'));
    return lines
      .filter((line) => line.trim() !== '' && !/^\s*(at |\.\.\. )/.test(line))
      .slice(-SHOWN_LINES)
      .map((line) => `  ${line.slice(0, 300)}`)
      .join('\n');
  } catch (error) {
    return `  (its log could not be read: ${messageOf(error)})`;
  }
}

/**
 * Starts a state machine and follows it to its end; `onState` gets the name of each state it enters.
 * @returns its output
 * @throws CliError with the error and cause when it does not succeed
 */
export async function runStateMachine(
  client: SFNClient,
  arn: string,
  input: unknown,
  watch: Watch = {},
): Promise<unknown> {
  const { executionArn = '' } = await client.send(
    new StartExecutionCommand({ stateMachineArn: arn, input: JSON.stringify(input) }),
  );
  return followExecution(client, executionArn, watch);
}

/** Follows an execution that runs to its end, as `runStateMachine` does. */
export async function followExecution(client: SFNClient, executionArn: string, watch: Watch = {}): Promise<unknown> {
  for (;;) {
    const execution = await client.send(new DescribeExecutionCommand({ executionArn }));
    if (execution.status === 'SUCCEEDED') return JSON.parse(execution.output ?? 'null');
    const state = await lastState(client, executionArn);
    if (execution.status !== 'RUNNING') {
      const why = causeOf(execution.error, execution.cause);
      throw new CliError(`The training state machine ended as ${execution.status} in "${state}": ${why}`);
    }
    if (state) watch.onState?.(state);
    await sleep(POLL_MS, undefined, { signal: watch.signal });
  }
}

/** The cause of a Lambda's error repeats its name. */
function causeOf(error = '', cause = ''): string {
  if (cause.startsWith(`${error}:`)) return cause;
  return [error, cause].filter(Boolean).join(': ') || 'it gave no cause';
}

async function lastState(client: SFNClient, executionArn: string): Promise<string> {
  const { events } = await client.send(
    new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 50 }),
  );
  return events?.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails)?.stateEnteredEventDetails?.name ?? '';
}
