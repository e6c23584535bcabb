/** Records of several events: each counts once, whatever is delivered again. */
import { KinesisClient, type PutRecordsCommand, type PutRecordsCommandInput } from '@aws-sdk/client-kinesis';
import { describe, expect, test } from '@jest/globals';
import type { Misrouted, ProcessorPorts } from '../../engine/ingest/batch.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { type QuarantineLine, writeQuarantine } from '../../engine/ingest/quarantine.ts';
import { Faults } from '../../engine/memory/faults.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { reroute } from '../../lambdas/processor/reroute.ts';
import { aggregate } from '../core/kpl-writer.ts';
import { purchase, RULES, record, usecase } from './use-case.ts';

class World {
  readonly states = new MemoryStates(usecase.plan);
  readonly lake = new MemoryLake();
  readonly rerouted: Misrouted[] = [];

  run(batch: readonly StreamRecord[], over: Partial<ProcessorPorts> = {}, lanes = 1) {
    return processBatch(
      batch,
      { ...RULES, admit: { ...RULES.admit, lanes } },
      {
        states: this.states.port(),
        quarantine: (lines) => writeQuarantine(this.lake.port(), lines),
        reroute: async (events) => void this.rerouted.push(...events),
        clock: null,
        onFailure: () => {},
        pause: () => Promise.resolve(),
        ...over,
      },
    );
  }

  countOf(entity: string): number {
    return this.states.get([entity]).get(entity)!.state.recent.size;
  }

  get lines(): QuarantineLine[] {
    return [...this.lake.objects.values()].flat() as QuarantineLine[];
  }
}

const textOf = (entity: string, id: string) => JSON.stringify(purchase(entity, id));

function aggregated(sequence: number, ...events: readonly (readonly [entity: string, id: string])[]): StreamRecord {
  const units = events.map(([entity, id]) => ({ partition_key: entity, data: Buffer.from(textOf(entity, id)) }));
  return record(aggregate(units), sequence, { key: events[0]![0] });
}

describe.each([
  ['aggregated', aggregated(5, ['ann', 'e1'], ['ann', 'e2'], ['ann', 'e3'])],
  ['a line each', record(['e1', 'e2', 'e3'].map((id) => textOf('ann', id)).join('\n'), 5, { key: 'ann' })],
])('events of one entity, %s', (_, many) => {
  test('are applied in one write, and a redelivery skips all of them', async () => {
    const world = new World();
    expect(await world.run([many])).toMatchObject({ admitted: 3, applied: 3, written: 1, failed: null });
    expect(world.states.rows.get('ann')!.watermarks).toEqual({ 'shardId-000000000000': '5' });
    expect(await world.run([many])).toMatchObject({ applied: 0, skipped: 3, duplicates: 0, written: 0 });
    expect(world.countOf('ann')).toBe(3);
  });

  test('count beside those of other records of their batch', async () => {
    const world = new World();
    const batch = [record(purchase('ann', 'e0'), 4), many, record(purchase('ann', 'e4'), 6)];
    expect(await world.run(batch)).toMatchObject({ applied: 5, skipped: 0 });
    expect(await world.run([many, record(purchase('ann', 'e5'), 7)])).toMatchObject({ applied: 1, skipped: 3 });
  });
});

test('where one entity fails, the record comes again, and those that were written are not counted twice', async () => {
  const world = new World();
  const batch = [aggregated(5, ['ann', 'e1'], ['bob', 'e2'], ['ann', 'e3']), aggregated(6, ['bob', 'e4'])];
  const states = world.states.port();
  const half = { ...states, write: (...args: Parameters<typeof states.write>) => refuse('bob', states, args) };
  expect(await world.run(batch, { states: half })).toMatchObject({ failed: '5', applied: 2 });
  expect(await world.run(batch)).toMatchObject({ failed: null, applied: 2, skipped: 2 });
  expect([world.countOf('ann'), world.countOf('bob')]).toEqual([2, 2]);
});

function refuse(
  entity: string,
  states: ReturnType<MemoryStates['port']>,
  args: Parameters<ReturnType<MemoryStates['port']>['write']>,
) {
  return args[0] === entity ? Promise.reject(new Error('throttled')) : states.write(...args);
}

test('an ambiguous write of a record of several events counts each once', async () => {
  const world = new World();
  const lost = new Faults((call) => (call === 'write' ? 'after' : 'none'));
  const batch = [aggregated(5, ['ann', 'e1'], ['ann', 'e2'])];
  expect((await world.run(batch, { states: world.states.port(lost) })).failed).toBe('5');
  expect(await world.run(batch)).toMatchObject({ failed: null, applied: 0, skipped: 2 });
  expect(world.countOf('ann')).toBe(2);
});

test('copies within one record count once; the later ones are in the quarantine at places of their own', async () => {
  const world = new World();
  const result = await world.run([aggregated(5, ['ann', 'e1'], ['ann', 'e1'], ['ann', 'e1'])]);
  expect(result).toMatchObject({ applied: 1, duplicates: 2, quarantined: new Map([['DUPLICATE_EVENT_ID', 2]]) });
  expect(world.lines.map((line) => [line.sequence_number, line.sub_sequence])).toEqual([
    ['5', 1],
    ['5', 2],
  ]);
});

test('what is refused of a record is kept alone, with its own bytes and key', async () => {
  const world = new World();
  const bad = [
    { partition_key: 'ann', data: Buffer.from('{') },
    { partition_key: 'bob', data: Buffer.from(textOf('bob', 'e1')) },
    { partition_key: 'cid', data: Buffer.from('[]') },
  ];
  const delivered = [record(aggregate(bad), 5, { key: 'ann' })];
  for (let i = 0; i < 2; i++) expect(await world.run(delivered)).toMatchObject({ admitted: 1, failed: null });
  const seen = world.lines.map((line) => [line.reason, line.sub_sequence, line.partition_key, line.raw_base64]);
  expect(seen).toEqual([
    ['MALFORMED_JSON', 0, 'ann', Buffer.from('{').toString('base64')],
    ['NOT_AN_OBJECT', 2, 'cid', Buffer.from('[]').toString('base64')],
  ]);
});

test('lines of other parts of one record do not overwrite each other in the quarantine', async () => {
  const world = new World();
  const line = (sub_sequence: number) =>
    ({ shard_id: 's', sequence_number: '5', sub_sequence, arrival: 0 }) as QuarantineLine;
  await writeQuarantine(world.lake.port(), [line(1)]);
  await writeQuarantine(world.lake.port(), [line(2)]);
  expect(world.lines).toHaveLength(2);
});

describe('under another key', () => {
  test('each event is put again by itself', async () => {
    const world = new World();
    const both = `${textOf('ann', 'e1')}\n${textOf('bob', 'e2')}`;
    expect(await world.run([record(both, 5, { key: 'ann' })])).toMatchObject({ applied: 1, misrouted: 1 });
    expect(world.rerouted).toEqual([{ entity_id: 'bob', data: Buffer.from(textOf('bob', 'e2')) }]);
  });

  test('with several lanes, of an aggregated record only what its own key brought in order is applied', async () => {
    const world = new World();
    const record = aggregated(5, ['ann', 'e1'], ['bob', 'e2']);
    expect(await world.run([record], {}, 4)).toMatchObject({ applied: 1, misrouted: 1 });
    expect(await world.run([record], {}, 1)).toMatchObject({ applied: 1, misrouted: 0, skipped: 1 });
  });

  test('as many requests as the limits ask for; only what was not taken is put again', async () => {
    const requests: PutRecordsCommandInput[] = [];
    const client = new KinesisClient({ region: 'eu-central-1' });
    let refused = 0;
    client.send = (async (command: PutRecordsCommand) => {
      requests.push(command.input);
      const fail = refused++ === 0 ? 1 : 0;
      return { Records: command.input.Records!.map((_, i) => (i < fail ? { ErrorCode: 'Throughput' } : {})) };
    }) as typeof client.send;
    const events = Array.from({ length: 501 }, (_, i) => ({ entity_id: `e${i}`, data: Buffer.alloc(10) }));
    await reroute(client, 'events', events);
    expect(requests.map((one) => one.Records!.length)).toEqual([500, 1, 1]);
    expect(requests.map((one) => one.Records![0]!.PartitionKey)).toEqual(['e0', 'e0', 'e500']);
    requests.length = 0;
    await reroute(client, 'events', [events[0]!, { entity_id: 'x', data: Buffer.alloc(4 * 1024 * 1024) }]);
    expect(requests.map((one) => one.Records!.length)).toEqual([1, 1]);
    client.destroy();
  });

  test('what the stream never takes is an error', async () => {
    const client = new KinesisClient({ region: 'eu-central-1' });
    client.send = (async () => ({ Records: [{ ErrorCode: 'Throughput' }] })) as unknown as typeof client.send;
    await expect(reroute(client, 'events', [{ entity_id: 'x', data: Buffer.alloc(1) }])).rejects.toThrow('1 events');
    client.destroy();
  });
});
