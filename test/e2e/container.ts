/** The serving container of a deployed endpoint: its process, and what it answers. */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InvokeEndpointCommand, type ModelError, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import type { Session } from '../../cli/commands/demo/session.ts';

/** @returns the process ids of an endpoint's containers, one a variant: the local cloud keeps them in its state folder */
export async function containersOf(session: Session, endpoint: string): Promise<number[]> {
  const folder = join(session.cloud.stateDir, 'sagemaker', 'endpoints', endpoint);
  const ids = (await readdir(folder)).map((variant) => {
    try {
      return Number(readFileSync(join(folder, variant, 'pid'), 'utf8'));
    } catch {
      return 0; // between two containers
    }
  });
  return ids.filter((id) => id > 0);
}

/** @returns the status of the model's own answer to a definition that it does not know; undefined: no container answered */
export async function askForAnother(session: Session, endpoint: string): Promise<number | undefined> {
  const runtime = new SageMakerRuntimeClient(session.cloud.clientConfig);
  const Body = JSON.stringify({ instances: [[0]], definition_hash: 'another' });
  try {
    await runtime.send(new InvokeEndpointCommand({ EndpointName: endpoint, ContentType: 'application/json', Body }));
    return 200;
  } catch (error) {
    return (error as ModelError).OriginalStatusCode;
  } finally {
    runtime.destroy();
  }
}
