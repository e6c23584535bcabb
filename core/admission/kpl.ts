/**
 * Records that the Kinesis Producer Library has aggregated: magic number, protobuf message, md5 of the message.
 * https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
 *
 *     message AggregatedRecord {
 *       repeated string partition_key_table = 1; repeated string explicit_hash_key_table = 2; repeated Record records = 3;
 *     }
 *     message Record {
 *       required uint64 partition_key_index = 1; optional uint64 explicit_hash_key_index = 2; required bytes data = 3;
 *       repeated Tag tags = 4;
 *     }
 *
 * Read by hand: three fields matter, AWS's own module (aws-kinesis-agg) brings a protobuf library and sets no bounds, and both
 * languages have to refuse the same bytes (tidemark_spark/engine/admission/kpl.py).
 */
import { createHash } from 'node:crypto';

export interface UserRecord {
  readonly partition_key: string;
  readonly data: Uint8Array;
}

/** An aggregated record can't be read; the message names what was found, never the payload. */
export class KplError extends Error {
  override readonly name = 'KplError';
}

/** No UTF-8 text begins so: whoever sends these bytes means an aggregated record. */
const MAGIC = [0xf3, 0x89, 0x9a, 0xc2] as const;
const DIGEST_BYTES = 16;
/** Bytes of a varint within 2^53. */
const MAX_VARINT = 8;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function isAggregated(data: Uint8Array): boolean {
  return MAGIC.every((byte, i) => data[i] === byte);
}

/**
 * The user records in their order; at least one.
 * @param data of a record for which `isAggregated` holds
 * @param most more user records are not read. @returns null then
 * @throws KplError
 */
export function deaggregate(data: Uint8Array, most: number): UserRecord[] | null {
  const end = data.length - DIGEST_BYTES;
  if (end < MAGIC.length) throw new KplError('found a record that ends early');
  const message = data.subarray(MAGIC.length, end);
  const digest = createHash('md5').update(message).digest();
  if (!digest.equals(data.subarray(end))) throw new KplError('found another checksum than that of the message');
  const keys: string[] = [];
  const records: { readonly key: number; readonly data: Uint8Array }[] = [];
  for (const { field, bytes } of fieldsOf(message)) {
    if (field === 1) keys.push(textOf(bytes));
    if (field !== 3) continue;
    if (records.length === most) return null;
    records.push(recordOf(bytes));
  }
  if (records.length === 0) throw new KplError('found no record in it');
  return records.map(({ key, data }) => {
    const partition_key = keys[key];
    if (partition_key === undefined) throw new KplError('found a record without its partition key');
    return { partition_key, data };
  });
}

function textOf(bytes: Uint8Array | number): string {
  if (typeof bytes === 'number') throw new KplError('found a partition key that is not text');
  try {
    return decoder.decode(bytes);
  } catch {
    throw new KplError('found a partition key that is not valid UTF-8');
  }
}

/** As in every protobuf reader, of a field that comes again the last one counts. */
function recordOf(bytes: Uint8Array | number): { key: number; data: Uint8Array } {
  if (typeof bytes === 'number') throw new KplError('found a record that is not a message');
  let key: number | null = null;
  let data: Uint8Array | null = null;
  for (const { field, bytes: value } of fieldsOf(bytes)) {
    if (field === 1 && typeof value === 'number') key = value;
    else if (field === 3 && typeof value !== 'number') data = value;
    else if (field === 1 || field === 3) throw new KplError('found a field of another type');
  }
  if (key === null || data === null) throw new KplError('found a record without data or partition key');
  return { key, data };
}

interface Field {
  readonly field: number;
  /** The number of a varint; else the bytes. */
  readonly bytes: Uint8Array | number;
}

/** Wire format: https://protobuf.dev/programming-guides/encoding/. Groups are not read: the message has none. */
function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < MAX_VARINT; i++) {
      const byte = message[at++];
      if (byte === undefined) throw new KplError('found a message that ends early');
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte >= 0x80) continue;
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    throw new KplError('found a number that is too large');
  };
  const take = (length: number): Uint8Array => {
    if (length > message.length - at) throw new KplError('found a message that ends early');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (field === 0) throw new KplError('found a field without a number');
    const wire = tag % 8;
    if (wire === 0) yield { field, bytes: varint() };
    else if (wire === 1) yield { field, bytes: take(8) };
    else if (wire === 2) yield { field, bytes: take(varint()) };
    else if (wire === 5) yield { field, bytes: take(4) };
    else throw new KplError('found a field of an unknown wire type');
  }
}
