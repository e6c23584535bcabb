/** The quarantine, its marks and the examples of drift, as they lie in the lake. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { REJECTION_REASONS } from '../../../core/ir/rejection.ts';
import { compareSequence } from '../../../core/state/state.ts';
import { sha256 } from '../../../core/values/hash.ts';
import type { QuarantineLine } from '../../../engine/ingest/quarantine.ts';
import type { Marks, QuarantineObject } from '../../../engine/quarantine/lines.ts';
import { NDJSON, objectKey, PREFIX } from '../../../names/lake.ts';
import { type DriftExample, driftExample } from '../../../names/reports.ts';
import type { Clients } from '../../stage/connection.ts';

/** Members that earlier releases did not write have defaults. */
const quarantineLine = z.object({
  shard_id: z.string(),
  sequence_number: z.string(),
  sub_sequence: z.int().default(0),
  arrival: z.number(),
  reason: z.enum(REJECTION_REASONS),
  detail: z.string(),
  event_type: z.string().nullable(),
  schema_version: z.number().nullable(),
  source: z.string().nullable().default(null),
  partition_key: z.string(),
  raw_base64: z.string(),
});
const mark = z.object({ position: z.string(), redriven: z.number() });

/** Folders by day, yyyy-mm-dd, both inclusive. @default - all days */
export interface Days {
  readonly from?: string;
  readonly to?: string;
}

interface Named {
  readonly key: string;
  readonly day: string;
  /** What stands between the day and the name of the object. */
  readonly shard: string;
  readonly name: string;
}

export class QuarantineLake {
  readonly #s3: Clients['s3'];
  readonly #bucket: string;

  constructor(s3: Clients['s3'], bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  /** Objects of these days, those of a shard in its order. One is held at a time. */
  async *objects(days: Days, onSeen: (objects: number) => void = () => {}): AsyncGenerator<QuarantineObject> {
    let seen = 0;
    for await (const { key, day, shard } of this.#named(PREFIX.quarantine, days)) {
      onSeen(++seen);
      yield { key, day, shard, lines: await this.#lines(key) };
    }
  }

  /** The line at a place, null where there is none; only objects whose names say that it could be in them are read. */
  async at({
    shard_id,
    sequence_number,
    sub_sequence,
  }: Pick<QuarantineLine, 'shard_id' | 'sequence_number' | 'sub_sequence'>): Promise<QuarantineLine | null> {
    for await (const { key, shard, name } of this.#named(PREFIX.quarantine, {})) {
      const [, first, last] = /^(\d+)-(\d+)/.exec(name) ?? [];
      if (shard !== shard_id || first === undefined) continue;
      if (compareSequence(sequence_number, first) < 0 || compareSequence(sequence_number, last!) > 0) continue;
      const found = (await this.#lines(key)).find(
        (line) => line.sequence_number === sequence_number && line.sub_sequence === sub_sequence,
      );
      if (found) return found;
    }
    return null;
  }

  /** What was put back. */
  async marked(days: Days): Promise<Marks> {
    const found = new Map<string, number>();
    for await (const { key } of this.#named(PREFIX.redriven, days))
      for (const line of await this.#json(key)) {
        const { position, redriven } = mark.parse(line);
        found.set(position, Math.max(redriven, found.get(position) ?? 0));
      }
    return found;
  }

  /** Objects of different positions have different names, so that runs do not overwrite each other's. Now is the time of the mark. */
  async mark({ day, shard }: Pick<Named, 'day' | 'shard'>, positions: readonly string[]): Promise<void> {
    const redriven = Date.now();
    const id = sha256([...positions].sort().join('\n')).slice(0, 24);
    const Key = objectKey('redriven', { day, shard, positions: id });
    const text = positions.map((position) => `${JSON.stringify({ position, redriven })}\n`).join('');
    const Body = gzipSync(text);
    await this.#s3.send(new PutObjectCommand({ Bucket: this.#bucket, Key, Body, ContentType: 'application/x-ndjson' }));
  }

  async drift(days: Days): Promise<DriftExample[]> {
    const found: DriftExample[] = [];
    for await (const { key } of this.#named(PREFIX.drift, days))
      for (const line of await this.#json(key)) found.push(driftExample.parse(line));
    return found;
  }

  async *#named(prefix: string, { from = '', to = '9999' }: Days): AsyncGenerator<Named> {
    // What is longer comes after: the first key of that day is the next.
    const StartAfter = from === '' ? undefined : `${prefix}dt=${from}`;
    for await (const { Contents = [] } of paginateListObjectsV2(
      { client: this.#s3 },
      { Bucket: this.#bucket, Prefix: prefix, StartAfter },
    )) {
      for (const { Key = '' } of Contents) {
        const [, day, shard = '', name] =
          /^dt=(\d{4}-\d\d-\d\d)\/(?:(.+)\/)?([^/]+)$/.exec(Key.slice(prefix.length)) ?? [];
        if (day === undefined || !Key.endsWith(NDJSON)) continue;
        if (day > to) return;
        yield { key: Key, day, shard, name: name! };
      }
    }
  }

  async #lines(key: string): Promise<QuarantineLine[]> {
    return (await this.#json(key)).map((line) => quarantineLine.parse(line));
  }

  async #json(Key: string): Promise<unknown[]> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key }));
    const text = gunzipSync(Buffer.from((await Body?.transformToByteArray()) ?? [])).toString('utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line): unknown => JSON.parse(line));
  }
}
