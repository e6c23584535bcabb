/** Aggregated records as the Kinesis Producer Library writes them, and damaged ones. */
import { createHash } from 'node:crypto';
import type { UserRecord } from '../../core/admission/kpl.ts';

const KPL_MAGIC = Buffer.from('f3899ac2', 'hex');

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** A length-delimited field. */
function fieldOf(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

function numberOf(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

/** The message of an aggregated record: each partition key once, as the library does. */
export function messageOf(records: readonly UserRecord[]): Buffer {
  const keys = [...new Set(records.map((record) => record.partition_key))];
  return Buffer.concat([
    ...keys.map((key) => fieldOf(1, Buffer.from(key, 'utf8'))),
    ...records.map(({ partition_key, data }) =>
      fieldOf(3, Buffer.concat([numberOf(1, keys.indexOf(partition_key)), fieldOf(3, data)])),
    ),
  ]);
}

/** @param message of any content. @returns it with its magic number and checksum */
export function sealed(message: Uint8Array): Buffer {
  return Buffer.concat([KPL_MAGIC, message, createHash('md5').update(message).digest()]);
}

export function aggregate(records: readonly UserRecord[]): Buffer {
  return sealed(messageOf(records));
}
