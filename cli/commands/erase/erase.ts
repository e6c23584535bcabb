import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetJobRunsCommand, type JobRun } from '@aws-sdk/client-glue';
import { tombstoneOf } from '../../../core/admission/tombstone.ts';
import { clearOf, itemsOf } from '../../../lambdas/aws/erasure.ts';
import type { BatchJobName } from '../../../names/jobs.ts';
import { FEATURES_KEYS, SCORES_KEYS } from '../../../names/keys.ts';
import { objectKey } from '../../../names/lake.ts';
import { type ErasureReport, erasureReport } from '../../../names/reports.ts';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { runGlueJob, type Watch } from '../../stage/jobs.ts';
import { readLakeJson } from '../../stage/lake-json.ts';
import type { Resources } from '../../stage/resources.ts';
import { deadLetterQueues } from '../redrive/queues.ts';
import { countDeadLetters, eraseDeadLetters } from './dead-letters.ts';
import { writeTombstone } from './tombstones.ts';

const POLL_MS = 1000;
/** Jobs that may hold rows they read before the tombstone, and write them after it. */
const WRITERS: readonly BatchJobName[] = [
  'landHistory',
  'compactArchive',
  'backfillStates',
  'buildTrainingSet',
  'healStates',
  'applyRetention',
  'maintainTables',
];
const RUNNING = ['STARTING', 'RUNNING', 'STOPPING', 'WAITING'];
const ONLINE = [
  { name: 'featuresTable', store: 'DynamoDB features', sortKey: FEATURES_KEYS.sort },
  { name: 'scoresTable', store: 'DynamoDB scores and alerts', sortKey: SCORES_KEYS.sort },
] as const;

/** How often the job is tried beside others that write. */
const RUNS = 4;

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
    throw new CliError('entity: found an empty id or one that starts with #; allowed is the entity_id of an event.');
  const { dynamodb, sqs } = clients;
  const hash = tombstoneOf(entity_id);
  await writeTombstone(clients, resources, { hash, cleared_at: 0 });
  const before = await clearOnline(dynamodb, resources, entity_id);
  await writeTombstone(clients, resources, { hash, cleared_at: Date.now() });
  const lake = await eraseLake(clients, resources, watch);
  const again = await clearOnline(dynamodb, resources, entity_id);
  const queues = (await deadLetterQueues(clients, resources)).map(({ url }) => url);
  const letters = await eraseDeadLetters(sqs, queues, entity_id);
  const online: ErasedStore[] = [];
  for (const [i, one] of onlineOf(resources).entries()) {
    const left = (await itemsOf(dynamodb, storeOf(resources, one), entity_id)).length;
    online.push({ store: one.store, taken: (before[i] ?? 0) + (again[i] ?? 0), left });
  }
  online.push({ store: 'dead letters', taken: letters, left: await countDeadLetters(sqs, queues, entity_id) });
  const stores = new Set([...Object.keys(lake.taken), ...Object.keys(lake.left)]);
  const offline = [...stores].sort().map((store) => ({
    store,
    taken: lake.taken[store] ?? 0,
    left: lake.left[store] ?? 0,
  }));
  return [...online, ...offline];
}

/** Deletes all that the online tables have of an entity, in every version of its view. @returns items deleted, by table */
export async function clearOnline(client: DynamoDBClient, resources: Resources, entity_id: string): Promise<number[]> {
  const counts: number[] = [];
  for (const one of onlineOf(resources)) counts.push(await clearOf(client, storeOf(resources, one), entity_id));
  return counts;
}

/** Without a model there are no scores. */
const onlineOf = (resources: Resources) =>
  ONLINE.filter(({ name }) => name !== 'scoresTable' || !resources.featuresAlone);

const storeOf = (resources: Resources, { name, sortKey }: (typeof ONLINE)[number]) => ({
  table: resources.get(name),
  sortKey,
});

/**
 * The job over all tombstones, as often as another one wrote beside it: the two may refuse each other's commits, and what
 * the other read before it knew of the tombstone it may have written after the job had looked.
 */
async function eraseLake(clients: Clients, resources: Resources, watch: Watch): Promise<ErasureReport> {
  for (let attempt = 1; ; attempt += 1) {
    await writersDone(clients, resources, watch);
    const run = randomUUID();
    const began = Date.now();
    const failed = await runGlueJob(clients, resources, 'eraseEntity', { run }, watch).then(
      () => undefined,
      (error: unknown) => error,
    );
    const beside = (await writers(clients, resources, began)).length > 0;
    if (beside && attempt < RUNS) continue;
    if (failed !== undefined) throw failed;
    const Key = objectKey('erasureReport', { run });
    return erasureReport.parse(await readLakeJson(clients.s3, resources.get('lakeBucket'), Key));
  }
}

async function writersDone(clients: Clients, resources: Resources, { signal, onState }: Watch): Promise<void> {
  for (;;) {
    const [name] = await writers(clients, resources, Number.POSITIVE_INFINITY);
    if (name === undefined) return;
    onState?.(`waits for ${name}Job`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** Jobs that write to the lake and run now, or did after `since` (ms UTC). */
async function writers({ glue }: Clients, resources: Resources, since: number): Promise<BatchJobName[]> {
  const found: BatchJobName[] = [];
  for (const name of WRITERS) {
    if (name === 'buildTrainingSet' && resources.featuresAlone) continue;
    const { JobRuns = [] } = await glue.send(
      new GetJobRunsCommand({ JobName: resources.get(`${name}Job`), MaxResults: 20 }),
    );
    const writes = ({ JobRunState, CompletedOn }: JobRun) =>
      RUNNING.includes(JobRunState ?? '') || (CompletedOn?.getTime() ?? 0) > since;
    if (JobRuns.some(writes)) found.push(name);
  }
  return found;
}
