import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { askedOf } from '../../../names/jobs.ts';
import { featuresKey, IMPORT_KEY } from '../../../names/keys.ts';
import { importJobOutput } from '../../../names/outputs.ts';
import { CliError } from '../../errors.ts';
import { runJobCalled } from '../../stage/jobs.ts';
import { flagsOf } from '../../stage/resources.ts';
import type { OpenStage } from '../../stage/stage.ts';
import { completeStates } from '../features/backfill.ts';

const WAYS = ['table', 'jdbc'] as const;
const JOB = { table: 'importTable', jdbc: 'importJdbc' } as const;

/**
 * Runs the import of each table of a source. What is there the first time is history, so the states are filled from it then.
 * @throws CliError when nothing of the source is imported in this stage, and where a job fails
 */
export async function runImport(stage: OpenStage, source: string, again: boolean): Promise<void> {
  const { clients, resources, target } = stage;
  const jobs = WAYS.flatMap((way) => {
    const name = resources.findCalled(importJobOutput(source, way));
    return name === undefined ? [] : [{ way, name }];
  });
  if (jobs.length === 0)
    throw new CliError(
      `${resources.deployment} imports no table of a source "${source}": give its address in the stage's configuration, and deploy.`,
    );
  let isFirst = false;
  for (const { way, name } of jobs) {
    const first = !(await hasMark(stage, source, way));
    isFirst ||= first;
    const flags = askedOf(JOB[way], { ...(first && { first: 'yes' }), ...(again && { again: 'yes' }) });
    const title = first ? `Import what is there of ${source} (Glue)` : `Import what is new of ${source} (Glue)`;
    await stage.step(title, (watch) => runJobCalled(clients, name, flags, watch));
  }
  if (isFirst) await completeStates(stage);
  console.log(`${source} is imported. Next: npx tidemark page ${flagsOf(target)}`);
}

async function hasMark({ clients, resources }: OpenStage, source: string, way: string): Promise<boolean> {
  const TableName = resources.get('featuresTable');
  const Key = featuresKey(IMPORT_KEY, `${source}#${way}`);
  const { Item } = await clients.dynamodb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
  return Item !== undefined;
}
