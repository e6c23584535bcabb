import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteItemCommand, type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { GetJobRunsCommand } from '@aws-sdk/client-glue';
import { z } from 'zod';
import { tombstoneOf } from '../core/tombstone.ts';
import { putTombstone } from '../lambdas/shared/dynamo-tombstones.ts';
import { PREFIX } from '../lib/feature-store/lake.ts';
import type { Clients } from './connection.ts';
import { CliError } from './errors.ts';
import { runGlueJob, type Watch } from './jobs.ts';
import { readLakeJson } from './lake-json.ts';
import type { ResourceName, Resources } from './resources.ts';

const POLL_MS = 1000;
/** Jobs that may hold rows they read before the tombstone, and write them after it. */
const WRITERS: readonly ResourceName[] = [
  'landHistoryJob',
  'compactArchiveJob',
  'backfillStatesJob',
  'buildTrainingSetJob',
  'healStatesJob',
  'maintainTablesJob',
];
const RUNNING = ['STARTING', 'RUNNING', 'STOPPING', 'WAITING'];
const ONLINE = [
  { name: 'featuresTable', store: 'DynamoDB features', sortKey: 'view' },
  { name: 'scoresTable', store: 'DynamoDB scores and alerts', sortKey: 'kind' },
] as const;

const report = z.object({ taken: z.record(z.string(), z.number()), left: z.record(z.string(), z.number()) });

/** What one store lost, and what it still has of the entity. */
export interface ErasedStore {
  readonly store: string;
  readonly taken: number;
  readonly left: number;
}

/**
 * Erases one entity: tombstone, online stores, lake (which waits until nobody writes what was read before), online stores
 * again, verification. May be repeated at any point; the tombstone stays, so that no replay brings the entity back.
 * @returns a row for every store. @throws CliError when a part fails; what was done by then stays done
 */
export async function eraseEntity(
  clients: Clients,
  resources: Resources,
  entity_id: string,
  watch: Watch = {},
): Promise<ErasedStore[]> {
  if (entity_id === '' || entity_id.startsWith('#'))
    throw new CliError('--entity: found an empty id or one that starts with #; allowed is the entity_id of an event.');
  const { dynamodb } = clients;
  const table = resources.get('featuresTable');
  await mark(dynamodb, table, entity_id, 0);
  const before = await clearOnline(dynamodb, resources, entity_id);
  await mark(dynamodb, table, entity_id, Date.now());
  await writersDone(clients, resources, watch);
  const run = randomUUID();
  await runGlueJob(clients, resources.get('eraseEntityJob'), { '--run': run }, watch);
  const again = await clearOnline(dynamodb, resources, entity_id);
  const Key = `${PREFIX.checks}erasure-${run}.json`;
  const lake = report.parse(await readLakeJson(clients.s3, resources.get('lakeBucket'), Key));
  const online: ErasedStore[] = [];
  for (const [i, one] of ONLINE.entries()) {
    const left = (await itemsOf(dynamodb, resources, one, entity_id)).length;
    online.push({ store: one.store, taken: (before[i] ?? 0) + (again[i] ?? 0), left });
  }
  const stores = new Set([...Object.keys(lake.taken), ...Object.keys(lake.left)]);
  const offline = [...stores].sort().map((store) => ({
    store,
    taken: lake.taken[store] ?? 0,
    left: lake.left[store] ?? 0,
  }));
  return [...online, ...offline];
}

/** @param cleared_at when the online stores were cleared, ms UTC; 0: not yet */
async function mark(client: DynamoDBClient, TableName: string, entity_id: string, cleared_at: number): Promise<void> {
  await putTombstone(client, TableName, tombstoneOf(entity_id), cleared_at);
}

/** Deletes all that the online tables have of an entity, in every version of its view. @returns items deleted, by table */
export async function clearOnline(client: DynamoDBClient, resources: Resources, entity_id: string): Promise<number[]> {
  const counts: number[] = [];
  for (const one of ONLINE) {
    const items = await itemsOf(client, resources, one, entity_id);
    for (const item of items) {
      const Key = { entity_id: { S: entity_id }, [one.sortKey]: { S: item } };
      await client.send(new DeleteItemCommand({ TableName: resources.get(one.name), Key }));
    }
    counts.push(items.length);
  }
  return counts;
}

/** Sort keys of the entity's items in one table. */
async function itemsOf(
  client: DynamoDBClient,
  resources: Resources,
  { name, sortKey }: (typeof ONLINE)[number],
  entity_id: string,
): Promise<string[]> {
  const keys: string[] = [];
  const query = {
    TableName: resources.get(name),
    ConsistentRead: true,
    KeyConditionExpression: 'entity_id = :entity',
    ExpressionAttributeValues: { ':entity': { S: entity_id } },
  };
  for await (const { Items = [] } of paginateQuery({ client }, query))
    keys.push(...Items.map((item) => item[sortKey]?.S ?? ''));
  return keys;
}

async function writersDone({ glue }: Clients, resources: Resources, { signal, onState }: Watch): Promise<void> {
  for (const name of WRITERS) {
    for (;;) {
      const { JobRuns = [] } = await glue.send(new GetJobRunsCommand({ JobName: resources.get(name), MaxResults: 5 }));
      if (!JobRuns.some(({ JobRunState }) => RUNNING.includes(JobRunState ?? ''))) break;
      onState?.(`waits for ${name}`);
      await sleep(POLL_MS, undefined, { signal });
    }
  }
}
