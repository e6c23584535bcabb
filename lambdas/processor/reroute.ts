/** Events that came under another key than their entity's, put again under it, as many at a time as Kinesis takes. */
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { MAX_TRIES, pause } from '../../engine/backoff.ts';
import type { Misrouted } from '../../engine/ingest/batch.ts';

/** PutRecords takes 500 records and 5 MiB with their keys. */
const MAX_RECORDS = 500;
const MAX_BYTES = 4 * 1024 * 1024;

/** @throws Error when the stream does not take all of them after some tries */
export async function reroute(client: KinesisClient, stream: string, events: readonly Misrouted[]): Promise<void> {
  for (const request of requests(events)) await put(client, stream, request);
}

async function put(client: KinesisClient, StreamName: string, events: readonly Misrouted[]): Promise<void> {
  let open = events;
  for (let attempt = 0; open.length > 0; attempt++) {
    if (attempt === MAX_TRIES) throw new Error(`the stream did not take ${open.length} events under their own key`);
    if (attempt > 0) await pause(attempt);
    const records = open.map(({ entity_id, data }) => ({ PartitionKey: entity_id, Data: data }));
    // It answers 200 also where it took none of them.
    const { Records = [] } = await client.send(new PutRecordsCommand({ StreamName, Records: records }));
    open = open.filter((_, i) => Records[i]?.ErrorCode !== undefined);
  }
}

function* requests(events: readonly Misrouted[]): Generator<readonly Misrouted[]> {
  let request: Misrouted[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = event.data.length + Buffer.byteLength(event.entity_id);
    if (request.length === MAX_RECORDS || (request.length > 0 && bytes + size > MAX_BYTES)) {
      yield request;
      request = [];
      bytes = 0;
    }
    request.push(event);
    bytes += size;
  }
  if (request.length > 0) yield request;
}
