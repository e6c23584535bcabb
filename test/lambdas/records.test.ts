import { expect, test } from '@jest/globals';
import { admit } from '../../core/admission/admit.ts';
import { encodeState } from '../../core/state/codec.ts';
import { applyEvents, emptyState } from '../../core/state/state.ts';
import { readEnvironment } from '../../lambdas/aws/environment.ts';
import { streamRecords } from '../../lambdas/aws/stream-records.ts';
import { schema } from '../../lambdas/processor/env.ts';
import { newestStates } from '../../lambdas/scorer/newest-states.ts';
import { purchase, RULES, record, usecase } from '../engine/use-case.ts';

const { plan, view } = usecase;

/** An image of the table's stream, with as many purchases as its version. */
function image(entity: string, version: number, of = view.version) {
  const events = Array.from({ length: version }, (_, i) => {
    const { data, position } = record(purchase(entity, `e${i}`), i + 1);
    const admitted = admit(data, position, RULES.contracts, RULES.admit);
    if (!admitted.ok) throw new Error(admitted.detail);
    return admitted.event;
  });
  const { state } = applyEvents(plan, emptyState(plan), events);
  return {
    entity_id: { S: entity },
    view: { S: of },
    version: { N: String(version) },
    state: { B: Buffer.from(encodeState(plan, state)).toString('base64') },
    watermarks: { M: { s: { S: String(version) } } },
  } as unknown as NonNullable<Parameters<typeof newestStates>[1][number]>;
}

test('only the newest image of each entity is scored, in whatever order they come', () => {
  const images = [image('a', 1), image('b', 2), image('a', 12), image('a', 3), image('b', 1)];
  const states = newestStates(plan, images);
  expect(states.map(({ entity_id, state }) => [entity_id, state.recent.size, state.watermarks])).toEqual([
    ['a', 12, { s: '12' }],
    ['b', 2, { s: '2' }],
  ]);
});

test('what the backfill put beside a state is in it; what it may still lack is told', () => {
  const base = image('a', 2).state as unknown;
  const open = image('a', 5);
  const merged = { ...open, base, base_watermarks: { M: { history: { S: '7' } } } } as typeof open;
  const [delta] = newestStates(plan, [open]);
  expect([delta!.flags, delta!.state.watermarks]).toEqual([{ whole: false, seeded: false, heal: false }, { s: '5' }]);
  const [whole] = newestStates(plan, [merged]);
  expect(whole!.flags).toMatchObject({ whole: true });
  expect(whole!.state.watermarks).toEqual({ s: '5', history: '7' });
});

test('other views, clock, fence and deletions are left out', () => {
  const fence = { entity_id: { S: '#fence' }, view: { S: view.version } };
  expect(newestStates(plan, [image('a', 1, 'buying@000000000000'), fence, undefined])).toEqual([]);
});

test('a record of the stream keeps its bytes, position and arrival', () => {
  const data = Buffer.from([0, 255, 123]);
  const kinesis = {
    sequenceNumber: '49',
    partitionKey: 'ann',
    approximateArrivalTimestamp: 1496318400.123,
    data: data.toString('base64'),
  };
  const event = { Records: [{ eventID: 'shardId-000000000007:49', kinesis }] };
  expect(streamRecords(event as unknown as Parameters<typeof streamRecords>[0])).toEqual([
    {
      position: {
        shard_id: 'shardId-000000000007',
        sequence_number: '49',
        arrival_ms: 1496318400123,
        partition_key: 'ann',
      },
      data,
    },
  ]);
});

test('a wrong environment names the variable, never its value', () => {
  const good = {
    TIDEMARK_STAGE: 'prod',
    TIDEMARK_USE_CASE: 'tiny',
    TIDEMARK_CLOCK: 'wall',
    POWERTOOLS_SERVICE_NAME: 'processor',
    POWERTOOLS_LOG_LEVEL: 'INFO',
    FEATURES_TABLE: 'f',
    LAKE_BUCKET: 'l',
    STREAM_NAME: 's',
    LANES: '1',
    CUTOVER_AFTER_SECONDS: '120',
  };
  expect(readEnvironment(schema, good).STREAM_NAME).toBe('s');
  expect(() => readEnvironment(schema, { ...good, LAKE_BUCKET: undefined })).toThrow(/environment LAKE_BUCKET/);
  expect(() => readEnvironment(schema, { ...good, TIDEMARK_CLOCK: 's3cret' })).toThrow(
    /^environment TIDEMARK_CLOCK(?!.*s3cret)/,
  );
});
