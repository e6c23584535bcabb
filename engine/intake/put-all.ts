/** The one producer of all sources: nothing is said to be taken that the stream has not taken, and an entity's order holds. */
import type { OutgoingEvent } from '../../core/intake/intake.ts';
import { sha256 } from '../../core/values/hash.ts';
import { MAX_TRIES, pause } from '../backoff.ts';

/** PutRecords takes 500 records and 5 MiB with their keys; a record 1 MiB with its key. */
const MAX_RECORDS = 500;
const MAX_REQUEST_BYTES = 5 * 1024 * 1024;
const MAX_RECORD_BYTES = 1024 * 1024;
/** Characters of a partition key. */
const MAX_KEY = 256;
const NEWLINE = 1;

/** What one record of the stream holds: events of one entity in their order, one a line. */
export interface PutRecord {
  readonly partition_key: string;
  readonly data: Uint8Array;
}

export interface RecordSink {
  /**
   * @returns for each record, in order, whether the stream took it
   * @throws what says nothing about any of them: they may be in the stream, and are sent again
   */
  put(records: readonly PutRecord[]): Promise<readonly boolean[]>;
}

export interface PutOptions {
  /** Waits before a try is repeated. @param attempt from 1 */
  readonly pause?: (attempt: number) => Promise<void>;
  /** No new try begins once it says so: who waits for the answer has gone by then. @default - never */
  readonly expired?: () => boolean;
}

/** Some events of one entity, by their places. */
interface Group {
  readonly record: PutRecord;
  readonly places: readonly number[];
}

/**
 * Puts all events, those of an entity in their order: a later one waits while an earlier one is tried again. What an error
 * leaves open is sent again, and is the same event by its id.
 * @returns the places of what the stream did not take after all tries, ascending: of an entity a last part
 */
export async function putAll(
  sink: RecordSink,
  events: readonly OutgoingEvent[],
  options: PutOptions = {},
): Promise<number[]> {
  let open = lanesOf(events);
  // Rounds in a row in which nothing was taken: as long as something moves on, nothing is given up.
  for (let failures = 0; open.length > 0; ) {
    const { taken, failed } = await putHeads(sink, open);
    open = open.filter((lane) => lane.length > 0);
    if (failed === 0) {
      failures = 0;
      continue;
    }
    failures = taken > 0 ? 1 : failures + 1;
    if (failures === MAX_TRIES || options.expired?.()) return leftIn(open);
    await (options.pause ?? pause)(failures);
  }
  return [];
}

/** What an entity has still to put, the next first. */
type Lane = Group[];

async function putHeads(sink: RecordSink, lanes: readonly Lane[]): Promise<{ taken: number; failed: number }> {
  let [taken, failed] = [0, 0];
  for (const request of requestsOf(lanes)) {
    const answers = await sink.put(request.map((lane) => lane[0]!.record)).catch(() => []);
    for (const [i, lane] of request.entries()) {
      if (answers[i] === true) {
        lane.shift();
        taken += 1;
      } else failed += 1;
    }
  }
  return { taken, failed };
}

function* requestsOf(lanes: readonly Lane[]): Generator<readonly Lane[]> {
  let request: Lane[] = [];
  let bytes = 0;
  for (const lane of lanes) {
    const size = sizeOf(lane[0]!.record);
    if (request.length === MAX_RECORDS || (request.length > 0 && bytes + size > MAX_REQUEST_BYTES)) {
      yield request;
      request = [];
      bytes = 0;
    }
    request.push(lane);
    bytes += size;
  }
  if (request.length > 0) yield request;
}

function lanesOf(events: readonly OutgoingEvent[]): Lane[] {
  const places = new Map<string, number[]>();
  for (const [place, { entity_id }] of events.entries()) {
    const known = places.get(entity_id);
    if (known) known.push(place);
    else places.set(entity_id, [place]);
  }
  return [...places].map(([entity_id, own]) => groupsOf(entity_id, own, events));
}

/** As many events a record as fit: the stream's readers take a record of several for what it is. */
function groupsOf(entity_id: string, places: readonly number[], events: readonly OutgoingEvent[]): Group[] {
  const partition_key = partitionKeyOf(entity_id);
  const most = MAX_RECORD_BYTES - Buffer.byteLength(partition_key);
  const groups: Group[] = [];
  let own: number[] = [];
  let bytes = 0;
  const close = () => {
    const data = Buffer.from(own.map((place) => Buffer.from(events[place]!.data).toString()).join('\n'));
    groups.push({ record: { partition_key, data }, places: own });
    own = [];
    bytes = 0;
  };
  for (const place of places) {
    const size = events[place]!.data.length + NEWLINE;
    if (own.length > 0 && bytes + size > most) close();
    own.push(place);
    bytes += size;
  }
  close();
  return groups;
}

/** An id that is too long for a key goes to some shard of its own, whose reader refuses it with its reason. */
function partitionKeyOf(entity_id: string): string {
  return entity_id.length <= MAX_KEY ? entity_id : sha256(entity_id);
}

const sizeOf = ({ partition_key, data }: PutRecord): number => Buffer.byteLength(partition_key) + data.length;

const leftIn = (lanes: readonly Lane[]): number[] =>
  lanes.flatMap((lane) => lane.flatMap(({ places }) => places)).sort((a, b) => a - b);

/** Whether a record of the stream can hold an event at all. */
export const fitsStream = ({ data, entity_id }: OutgoingEvent): boolean =>
  data.length + Buffer.byteLength(partitionKeyOf(entity_id)) <= MAX_RECORD_BYTES;
