import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteFunctionConcurrencyCommand,
  type EventSourceMappingConfiguration,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  ListEventSourceMappingsCommand,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import type { Watch } from '../../stage/jobs.ts';

const POLL_MS = 500;

/** Stops a function that reads a stream. What comes meanwhile waits in the stream, as long as that keeps it. */
export async function pauseReader(client: LambdaClient, name: string, { signal, onState }: Watch): Promise<void> {
  onState?.(`pauses ${name}`);
  for (const { UUID } of await mappingsOf(client, name))
    await client.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
  while ((await mappingsOf(client, name)).some(({ State }) => State !== 'Disabled'))
    await sleep(POLL_MS, undefined, { signal });
}

/** Lets it read on where it was. */
export async function resumeReader(client: LambdaClient, name: string): Promise<void> {
  for (const { UUID } of await mappingsOf(client, name))
    await client.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }));
}

/** Refuses every call of a function. */
export async function pauseFunction(client: LambdaClient, FunctionName: string): Promise<void> {
  await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
}

/** Takes calls again. Only a pause is lifted: a number above 0 is the stage's own. */
export async function resumeFunction(client: LambdaClient, FunctionName: string): Promise<void> {
  const { ReservedConcurrentExecutions } = await client.send(new GetFunctionConcurrencyCommand({ FunctionName }));
  if (ReservedConcurrentExecutions === 0) await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
}

/** Nothing says which calls of a paused function still run: none outlasts its time limit. */
export async function lastCallEnded(client: LambdaClient, FunctionName: string, watch: Watch): Promise<void> {
  const { Timeout = 0 } = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
  watch.onState?.(`waits ${Timeout} s for the last call`);
  await sleep(Timeout * 1000, undefined, { signal: watch.signal });
}

async function mappingsOf(client: LambdaClient, FunctionName: string): Promise<EventSourceMappingConfiguration[]> {
  const { EventSourceMappings = [] } = await client.send(new ListEventSourceMappingsCommand({ FunctionName }));
  return EventSourceMappings;
}
