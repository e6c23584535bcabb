/** A table of states that was lost, and one that came back from a point in time, of a deployed app, timed. */
import { fileURLToPath } from 'node:url';
import { type AttributeValue, BatchWriteItemCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type SourceFiles, writeEvents } from '../../cli/commands/demo/history-source.ts';
import { Session } from '../../cli/commands/demo/session.ts';
import { backfillStates, landHistory } from '../../cli/commands/demo/stages.ts';
import { eraseEntity } from '../../cli/commands/erase/erase.ts';
import { Replayer, readEvents, type TimedEvent } from '../../cli/commands/replay/replay.ts';
import { clearStates, restoreFeatures } from '../../cli/commands/restore/features.ts';
import { useJava } from '../../cli/tools.ts';
import { encodeState } from '../../core/state/codec.ts';
import { DAY } from '../../core/values/time.ts';
import { compileUseCase } from '../../engine/use-case.ts';
import { stateOf } from '../../lambdas/aws/dynamo/state-item.ts';
import { Progress } from '../../setup/progress.mjs';

type Item = Record<string, AttributeValue>;

const CUT = '2017-12-01T00:00:00Z';
const DAYS = 3;
const HOUSEHOLDS = 20;
const USE_CASE = fileURLToPath(new URL('usecase', import.meta.url));

let session: Session;
let replayer: Replayer;
let live: TimedEvent[];
let erased: string;
/** As a backup has it: of an instant before the erasure, and before the last events. */
let backup: Item[];
let before: Map<string, string>;

beforeAll(async () => {
  useJava();
  const { signal } = new AbortController();
  let files: SourceFiles | undefined;
  session = await Session.start(
    { usecase: USE_CASE, progress: new Progress(process.stderr), signal },
    async (folder) => {
      const until = new Date(Date.parse(CUT) + DAYS * DAY).toISOString();
      files = await writeEvents({ usecase: 'churn', folder, cut: CUT, until, entities: HOUSEHOLDS, signal });
    },
  );
  live = await readEvents(files?.live ?? [], session.ir);
  const { connection, resources, ir } = session;
  replayer = new Replayer({ clients: connection.clients, resources, ir, signal });
  await landHistory(session, files?.history ?? []);
  await backfillStates(session);
  const [first, second] = [live.slice(0, live.length / 3), live.slice(live.length / 3, (2 * live.length) / 3)];
  await replayer.sendEvents(first);
  await replayer.caughtUp();
  backup = await items();
  await replayer.sendEvents(second);
  await replayer.caughtUp();
  erased = [...(await states()).keys()][0] ?? '';
  await eraseEntity(connection.clients, resources, erased);
  before = await states();
}, 2_400_000);

afterAll(() => session?.close());

async function items(): Promise<Item[]> {
  const { connection, resources } = session;
  const found: Item[] = [];
  const scan = { TableName: resources.get('featuresTable'), ConsistentRead: true };
  for await (const { Items = [] } of paginateScan({ client: connection.clients.dynamodb }, scan)) found.push(...Items);
  return found;
}

/** Bytes of each entity's state, whichever parts it lies in. */
async function states(): Promise<Map<string, string>> {
  const { plan, view } = compileUseCase(session.ir);
  const own = (await items()).filter((item) => item.view?.S === view.version && item.state !== undefined);
  return new Map(
    own
      .map(
        (item) =>
          [item.entity_id?.S ?? '', Buffer.from(encodeState(plan, stateOf(plan, item).state)).toString('hex')] as const,
      )
      .sort(),
  );
}

async function fill(given: readonly Item[]): Promise<void> {
  const TableName = session.resources.get('featuresTable');
  for (let at = 0; at < given.length; at += 25) {
    const puts = given.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }));
    await session.connection.clients.dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: puts } }));
  }
}

async function empty(): Promise<void> {
  const { connection, resources } = session;
  const TableName = resources.get('featuresTable');
  await clearStates(connection.clients.dynamodb, TableName);
  for (const { entity_id, view } of await items()) {
    const Key = { entity_id, view } as Item;
    await connection.clients.dynamodb.send(
      new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ DeleteRequest: { Key } }] } }),
    );
  }
  expect(await items()).toEqual([]);
}

/** The last event of a shard, which is waited for, must be of somebody who has a state. */
const erasedFirst = (events: readonly TimedEvent[]) => {
  const [theirs, others] = [true, false].map((of) => events.filter(({ event }) => (event.entity_id === erased) === of));
  return [...(theirs ?? []), ...(others ?? [])];
};

async function restored(name: string) {
  const { connection, resources, ir } = session;
  return session.timed(name, `Restore: ${name}`, ({ update }) =>
    restoreFeatures(connection.clients, resources, ir, { onState: update }),
  );
}

describe('the features table', () => {
  test('that was lost has the states it had, and not those of the erased', async () => {
    expect(before.size).toBeGreaterThan(HOUSEHOLDS / 2);
    expect(before.has(erased)).toBe(false);
    await empty();
    expect(await restored('lost')).toMatchObject({ tombstones: 1 });
    expect(await states()).toEqual(before);
    // The processor reads on, and counts what the backfill brought no second time.
    await replayer.sendEvents(erasedFirst(live.slice(0, live.length / 3)));
    await replayer.caughtUp();
    expect((await states()).has(erased)).toBe(false);
  }, 1_200_000);

  test('that came back from a point in time brings nobody back, and has no hole', async () => {
    before = await states();
    await empty();
    await fill(backup);
    expect((await states()).has(erased)).toBe(true);
    await restored('from a point in time');
    expect(await states()).toEqual(before);
    await replayer.sendEvents(erasedFirst(live.slice((2 * live.length) / 3)));
    await replayer.caughtUp();
    expect((await states()).has(erased)).toBe(false);
    console.error(JSON.stringify(session.timings));
  }, 1_200_000);
});
