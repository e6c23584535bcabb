/** A use case whose sources come over a bus and as files, and what is looked at of them in the local cloud. */
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { GetRecordsCommand, GetShardIteratorCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { at, contract, count, defineUseCase, field, rule, source } from '../../core/definition/define.ts';

const change = contract('account_changed', 1, {
  eventTime: 'epoch_ms',
  fields: { industry: field.string({ required: false }) },
});
const order = contract('ordered', 1, { fields: { amount: field.decimal(2) } });
export const usecase = defineUseCase({
  ...{ name: 'tiny', entity: 'account', contracts: [change, order] },
  views: { changes: { entity: 'account', features: { n: count({ of: change, window: '7d' }) } } },
  sources: [
    source('crm', {
      envelope: 'salesforce_cdc',
      via: [{ kind: 'bus' }],
      map: [
        rule({
          event: change,
          entity: at('/Id'),
          time: { from: '/ChangeEventHeader/commitTimestamp', format: 'epoch_ms' },
          properties: { industry: at('/Industry') },
        }),
      ],
    }),
    source('shop', {
      envelope: 'rows',
      via: [{ kind: 'files', format: 'csv' }],
      map: [
        rule({
          event: order,
          entity: at('/account'),
          time: { from: '/at', format: 'iso8601' },
          properties: { amount: at('/amount') },
        }),
      ],
    }),
  ],
});

/** Everything on the stream, from its beginning. */
export async function eventsOf(
  kinesis: KinesisClient,
  of: string,
): Promise<{ event_id: string; entity_id: string; properties: object }[]> {
  const { ShardIterator } = await kinesis.send(
    new GetShardIteratorCommand({
      StreamName: 'events',
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
    }),
  );
  const { Records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator, Limit: 10_000 }));
  return Records.flatMap(({ Data }) => Buffer.from(Data!).toString().split('\n'))
    .map((line) => JSON.parse(line) as { event_id: string; entity_id: string; properties: object; source: string })
    .filter((event) => event.source === of);
}

/** Lines below a prefix of the lake. */
export async function linesOf(s3: S3Client, prefix: string): Promise<Record<string, unknown>[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'lake', Prefix: prefix }));
  const found = await Promise.all(
    Contents.map(async ({ Key }) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'lake', Key }));
      return gunzipSync(await Body!.transformToByteArray()).toString();
    }),
  );
  return found.flatMap((text) => text.trimEnd().split('\n')).map((line) => JSON.parse(line) as Record<string, unknown>);
}

export async function until<T>(look: () => Promise<T>, done: (found: T) => boolean): Promise<T> {
  for (let i = 0; ; i++) {
    const found = await look();
    if (done(found) || i === 300) return found;
    await sleep(100);
  }
}
