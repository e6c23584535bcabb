import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { compareSequence } from '../../../core/state/state.ts';
import { objectKey, PREFIX } from '../../../names/lake.ts';
import { type ConsistencyReport, consistencyReport } from '../../../names/reports.ts';

const quarantineLine = z.looseObject({
  shard_id: z.string(),
  sequence_number: z.string(),
  reason: z.string(),
  detail: z.string(),
});
export type QuarantineLine = z.infer<typeof quarantineLine>;

/** Reads back what the pipeline wrote to its lake bucket. */
export class LakeReader {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async keys(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const page of paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: prefix },
    )) {
      for (const { Key } of page.Contents ?? []) if (Key) keys.push(Key);
    }
    return keys;
  }

  async json(key: string): Promise<unknown> {
    return JSON.parse((await this.#body(key)).toString('utf8'));
  }

  async #body(key: string): Promise<Buffer> {
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async #lines(prefix: string): Promise<unknown[]> {
    const lines: unknown[] = [];
    for (const key of await this.keys(prefix)) {
      const text = gunzipSync(await this.#body(key)).toString('utf8');
      for (const line of text.split('\n')) if (line !== '') lines.push(JSON.parse(line));
    }
    return lines;
  }

  /** The quarantine, each record once: a redelivered batch writes the same record again. */
  async quarantine(): Promise<QuarantineLine[]> {
    const byPosition = new Map<string, QuarantineLine>();
    for (const line of await this.#lines(PREFIX.quarantine)) {
      const record = quarantineLine.parse(line);
      byPosition.set(`${record.shard_id}/${record.sequence_number}`, record);
    }
    return [...byPosition.values()];
  }

  /** Distinct ids of the archived events. */
  async archivedIds(): Promise<ReadonlySet<string>> {
    const lines = (await this.#lines(PREFIX.events)) as { event_id: string }[];
    return new Set(lines.map(({ event_id }) => event_id));
  }

  /** The highest archived sequence number of each shard, from the names of the objects (…/<shard>/<first>-<last>.ndjson.gz). */
  async archivedUpTo(): Promise<ReadonlyMap<string, string>> {
    const upTo = new Map<string, string>();
    for (const key of await this.keys(PREFIX.events)) {
      const [, shard, last] = key.match(/([^/]+)\/\d+-(\d+)\.ndjson\.gz$/) ?? [];
      if (!shard || !last) continue;
      const before = upTo.get(shard);
      if (before === undefined || compareSequence(last, before) > 0) upTo.set(shard, last);
    }
    return upTo;
  }

  /** Rows of each split of a training set, by its manifest. */
  async manifest(trainingSetId: string): Promise<Record<string, unknown>> {
    return (await this.json(objectKey('trainingSet', { training_set_id: trainingSetId }))) as Record<string, unknown>;
  }

  /** The summary that is there now and was not among `before`. */
  async newCheck(before: ReadonlySet<string>): Promise<ConsistencyReport | undefined> {
    const key = (await this.keys(PREFIX.checks)).find((name) => name.endsWith('.json') && !before.has(name));
    return key === undefined ? undefined : consistencyReport.parse(await this.json(key));
  }
}
