import { DeleteAlarmsCommand, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import {
  DeleteLogGroupCommand,
  DeleteLogStreamCommand,
  paginateDescribeLogGroups,
  paginateDescribeLogStreams,
} from '@aws-sdk/client-cloudwatch-logs';
import { paginateGetJobRuns } from '@aws-sdk/client-glue';
import {
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  paginateListEndpointConfigs,
  paginateListModels,
} from '@aws-sdk/client-sagemaker';
import type { Clients } from '../../stage/connection.ts';

/** Glue and SageMaker write into groups of the whole account; a run is a stream, or a prefix of some. */
const GLUE_LOGS = ['/aws-glue/jobs/output', '/aws-glue/jobs/error', '/aws-glue/jobs/logs-v2'];
const TRAINING_LOGS = '/aws/sagemaker/TrainingJobs';
const endpointLogs = (endpoint: string) => `/aws/sagemaker/Endpoints/${endpoint}`;

/** What a deployment made at run time, so that no stack knows it. */
export interface LeftBehind {
  readonly models: readonly string[];
  readonly configs: readonly string[];
  /** Ids of the runs of its Glue jobs. */
  readonly runs: readonly string[];
}

/**
 * Finds it by the deployment's name, which the state machine puts before every name.
 * @param others deployments of the stage: `tidemark-dev-churn-2-…` is not of `tidemark-dev-churn`
 * @param jobs names of its Glue jobs
 */
export async function leftBehind(
  { sagemaker, glue }: Pick<Clients, 'sagemaker' | 'glue'>,
  deployment: string,
  others: readonly string[],
  jobs: readonly string[],
): Promise<LeftBehind> {
  const own = (name = '') => isOf(name, deployment, others);
  const [models, configs, runs]: [string[], string[], string[]] = [[], [], []];
  const NameContains = `${deployment}-`;
  for await (const { Models } of paginateListModels({ client: sagemaker }, { NameContains }))
    models.push(...(Models ?? []).map(({ ModelName = '' }) => ModelName).filter(own));
  for await (const { EndpointConfigs } of paginateListEndpointConfigs({ client: sagemaker }, { NameContains }))
    configs.push(...(EndpointConfigs ?? []).map(({ EndpointConfigName = '' }) => EndpointConfigName).filter(own));
  for (const JobName of jobs)
    for await (const { JobRuns } of paginateGetJobRuns({ client: glue }, { JobName }))
      runs.push(...(JobRuns ?? []).map(({ Id = '' }) => Id));
  return { models, configs, runs };
}

/** Whether a name was made by a deployment and not by one whose own name goes on. */
export function isOf(name: string, deployment: string, others: readonly string[]): boolean {
  const longer = others.filter((other) => other.startsWith(`${deployment}-`));
  return name.startsWith(`${deployment}-`) && !longer.some((other) => name.startsWith(`${other}-`));
}

/** Deletes models and configurations; what is gone already is no error to SageMaker's callers here. */
export async function deleteModels(
  { sagemaker }: Pick<Clients, 'sagemaker'>,
  { models, configs }: LeftBehind,
): Promise<void> {
  for (const EndpointConfigName of configs)
    await sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName }));
  for (const ModelName of models) await sagemaker.send(new DeleteModelCommand({ ModelName }));
}

/** Alarms that a deployment of a model made for its new fleet and could not take back. */
export async function deleteAlarms(
  { cloudwatch }: Pick<Clients, 'cloudwatch'>,
  AlarmNamePrefix: string,
): Promise<void> {
  const AlarmNames: string[] = [];
  for await (const { MetricAlarms } of paginateDescribeAlarms({ client: cloudwatch }, { AlarmNamePrefix }))
    AlarmNames.push(...(MetricAlarms ?? []).map(({ AlarmName = '' }) => AlarmName));
  // DeleteAlarms takes 100 at a time.
  for (let at = 0; at < AlarmNames.length; at += 100)
    await cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: AlarmNames.slice(at, at + 100) }));
}

/** Deletes what SageMaker and Glue logged for the deployment. @returns groups and streams deleted */
export async function deleteRunTimeLogs(
  { logs }: Pick<Clients, 'logs'>,
  deployment: string,
  others: readonly string[],
  { runs }: Pick<LeftBehind, 'runs'>,
): Promise<number> {
  let deleted = 0;
  const endpoint = endpointLogs(deployment);
  if ((await groupsBelow(logs, endpoint)).has(endpoint)) {
    await logs.send(new DeleteLogGroupCommand({ logGroupName: endpoint }));
    deleted += 1;
  }
  const groups = new Set([
    ...(await groupsBelow(logs, '/aws-glue/jobs/')),
    ...(await groupsBelow(logs, TRAINING_LOGS)),
  ]);
  if (groups.has(TRAINING_LOGS))
    deleted += await deleteStreams(logs, TRAINING_LOGS, `${deployment}-`, (name) => isOf(name, deployment, others));
  for (const group of GLUE_LOGS.filter((name) => groups.has(name)))
    for (const run of runs) deleted += await deleteStreams(logs, group, run, () => true);
  return deleted;
}

async function groupsBelow(client: Clients['logs'], logGroupNamePrefix: string): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { logGroups } of paginateDescribeLogGroups({ client }, { logGroupNamePrefix }))
    for (const { logGroupName } of logGroups ?? []) if (logGroupName) names.add(logGroupName);
  return names;
}

async function deleteStreams(
  client: Clients['logs'],
  logGroupName: string,
  logStreamNamePrefix: string,
  own: (name: string) => boolean,
): Promise<number> {
  const names: string[] = [];
  for await (const { logStreams } of paginateDescribeLogStreams({ client }, { logGroupName, logStreamNamePrefix }))
    names.push(...(logStreams ?? []).map((stream) => stream.logStreamName ?? '').filter(own));
  for (const logStreamName of names) await client.send(new DeleteLogStreamCommand({ logGroupName, logStreamName }));
  return names.length;
}
