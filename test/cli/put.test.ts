import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  type PutRecordsCommand,
  type PutRecordsCommandOutput,
} from '@aws-sdk/client-kinesis';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { recordOf } from '../../cli/commands/put/command.ts';
import { connectTo } from '../../cli/stage/connection.ts';
import { MAX_RECORD_BYTES, putAll, RecordsNotTakenError } from '../../cli/stage/stream-writer.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';

describe('records to a stream', () => {
  /** A stream that refuses the records a test names, on the attempts it names. */
  function refusing(refuse: (key: string, attempt: number) => boolean) {
    const calls: string[][] = [];
    const send = async (command: PutRecordsCommand): Promise<PutRecordsCommandOutput> => {
      const keys = (command.input.Records ?? []).map(({ PartitionKey }) => PartitionKey ?? '');
      calls.push(keys);
      const Records = keys.map((key) =>
        refuse(key, calls.length)
          ? { ErrorCode: 'ProvisionedThroughputExceededException' }
          : { ShardId: 'shardId-000000000000', SequenceNumber: `${calls.length}` },
      );
      return { Records, FailedRecordCount: Records.filter((r) => 'ErrorCode' in r).length, $metadata: {} };
    };
    return { calls, client: { send } as unknown as KinesisClient };
  }
  const record = (partitionKey: string, size = 2) => ({ partitionKey, data: new Uint8Array(size) });

  test('only those that failed are sent again', async () => {
    const { calls, client } = refusing((key, attempt) => key === 'b' && attempt < 3);
    const taken: string[] = [];
    const written = await putAll(client, 's', [record('a'), record('b'), record('c')], {
      onTaken: ({ partitionKey }, { sequence }) => taken.push(`${partitionKey}@${sequence}`),
    });
    expect(calls).toEqual([['a', 'b', 'c'], ['b'], ['b']]);
    expect(written).toEqual({ records: 3, retried: 2 });
    expect(taken).toEqual(['a@1', 'c@1', 'b@3']);
  });

  test('that are refused for ever end in an error that names the code', async () => {
    const { client, calls } = refusing((key) => key === 'b');
    const failed = putAll(client, 's', [record('a'), record('b')], { firstBackoffMs: 1 });
    await expect(failed).rejects.toThrow(RecordsNotTakenError);
    await expect(failed).rejects.toThrow(/1 records after 10 attempts \(ProvisionedThroughputExceededException\)/);
    expect(calls).toHaveLength(10);
  });

  test('go in calls of at most 500 records and 5 MiB; one above 1 MiB is refused', async () => {
    const { client, calls } = refusing(() => false);
    await putAll(
      client,
      's',
      Array.from({ length: 1_001 }, () => record('k')),
    );
    expect(calls.map((call) => call.length)).toEqual([500, 500, 1]);
    calls.length = 0;
    await putAll(
      client,
      's',
      Array.from({ length: 6 }, () => record('k', MAX_RECORD_BYTES - 1)),
    );
    expect(calls.map((call) => call.length)).toEqual([5, 1]);
    await expect(putAll(client, 's', [record('k', MAX_RECORD_BYTES)])).rejects.toThrow(RangeError);
  });

  describe('in the local cloud', () => {
    let cloud: LocalCloud;
    beforeAll(async () => {
      cloud = await startLocalCloud({ quiet: true });
    });
    afterAll(() => cloud?.stop());

    test('arrive with their bytes and keys, in order', async () => {
      const client = connectTo(cloud).clients.kinesis;
      await client.send(new CreateStreamCommand({ StreamName: 'events', ShardCount: 1 }));
      const records = Array.from({ length: 700 }, (_, n) => ({
        partitionKey: `k${n % 7}`,
        data: Buffer.from(`\xff${n}`, 'latin1'),
      }));
      expect(await putAll(client, 'events', records)).toEqual({ records: 700, retried: 0 });
      const { Shards } = await client.send(new ListShardsCommand({ StreamName: 'events' }));
      const { ShardIterator } = await client.send(
        new GetShardIteratorCommand({
          StreamName: 'events',
          ShardId: Shards?.[0]?.ShardId,
          ShardIteratorType: 'TRIM_HORIZON',
        }),
      );
      const { Records } = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 1_000 }));
      expect(
        Records?.map(({ Data, PartitionKey }) => [PartitionKey, Buffer.from(Data ?? []).toString('latin1')]),
      ).toEqual(records.map(({ partitionKey, data }) => [partitionKey, data.toString('latin1')]));
    });
  });
});

describe('of a line', () => {
  const line = (bytes: Buffer) => ({ number: 7, place: 'f:7', bytes });
  const ofBytes = (size: number, entity_id: string) => {
    const start = JSON.stringify({ entity_id, pad: '' }).slice(0, -2);
    return line(Buffer.from(`${start}${'x'.repeat(size - Buffer.byteLength(start) - 2)}"}`));
  };

  // One record that is refused as too large would end the command, with what was sent before it sent.
  test.each(['a', 'ä', '🧺'])(
    'with --raw a record fits with its key of 256 × %s, or is told by its place',
    (character) => {
      const key = character.repeat(256);
      const most = MAX_RECORD_BYTES - Buffer.byteLength(key);
      expect(recordOf(ofBytes(most, key), true)).toMatchObject({ partitionKey: key });
      expect(recordOf(ofBytes(most + 1, key), true)).toEqual({
        problem: `f:7 has ${most + 1} bytes; a Kinesis record may have ${most}`,
      });
    },
  );

  test('that is no event nothing is sent, or with --raw all', () => {
    const bytes = Buffer.from('no event');
    expect(recordOf(line(bytes), false)).toEqual({ problem: 'f:7 is not JSON' });
    expect(recordOf(line(bytes), true)).toEqual({ data: bytes, partitionKey: 'raw-line-7' });
  });
});
