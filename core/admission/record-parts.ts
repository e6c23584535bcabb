/**
 * What one record of the stream holds: one event mostly; several where a producer aggregated them (KPL) or wrote several JSON
 * objects into it. Each is admitted by itself; all of them have the record's sequence number (docs/adr/0019).
 */

import type { RejectionReason } from '../ir/rejection.ts';
import {
  type AdmitOptions,
  type Admitted,
  admit,
  type CompiledContracts,
  type RecordPosition,
  type Rejected,
} from './admit.ts';
import { spansOf } from './framing.ts';
import { deaggregate, isAggregated, KplError, type UserRecord } from './kpl.ts';

/** An event of a record, or a part of it that is none, as if it had come alone. */
export interface RecordPart {
  readonly position: RecordPosition;
  readonly data: Uint8Array;
  readonly result: Admitted | Rejected;
}

/** Fewer parts are looked at in any record. */
const FEW = 16;
/**
 * The smallest event takes more: {"event_id":"a","entity_id":"b","event_type":"c","event_time":0,"schema_version":1}. So no
 * record of events is refused, and none becomes more lines of the quarantine than a batch can hold.
 */
const LEAST_BYTES = 64;

export interface AdmitRecordOptions extends AdmitOptions {
  /**
   * Batches of one shard that are processed at the same time (the parallelization factor). With more than one, the key of the
   * whole record decided which batch it is in, so that alone says whether an entity's events came in their order.
   * @default 1
   */
  readonly lanes?: number;
}

/** Never throws on input. @returns at least one part, in the order of the record, their sub-sequences counted from 0 */
export function admitRecord(
  record: { readonly position: RecordPosition; readonly data: Uint8Array },
  contracts: CompiledContracts,
  options: AdmitRecordOptions,
): readonly RecordPart[] {
  const { position, data } = record;
  const result = admit(data, position, contracts, options);
  const whole = { position, data, result };
  if (result.ok) return [whole];
  const refused = (reason: RejectionReason, detail: string): RecordPart[] => [
    { position, data, result: { ok: false, reason, detail } },
  ];
  const most = Math.max(FEW, Math.floor(data.length / LEAST_BYTES));
  let units: readonly UserRecord[] | null;
  try {
    units = unitsOf(record, most, options.lanes ?? 1);
  } catch (error) {
    if (!(error instanceof KplError)) throw error;
    return refused(
      'MALFORMED_AGGREGATE',
      `record: ${error.message}; allowed: what the Kinesis Producer Library writes`,
    );
  }
  if (units === null) {
    const allowed = `one in ${LEAST_BYTES} bytes, or ${FEW}`;
    return refused(
      'TOO_MANY_EVENTS',
      `record: found more than ${most} parts in ${data.length} bytes; allowed: ${allowed}`,
    );
  }
  if (units.length === 1 && units[0]!.data === data) return [whole];
  return units.map((unit, sub_sequence) => {
    const at = { ...position, partition_key: unit.partition_key, ...(sub_sequence > 0 ? { sub_sequence } : {}) };
    return { position: at, data: unit.data, result: placed(admit(unit.data, at, contracts, options), sub_sequence) };
  });
}

function placed(result: Admitted | Rejected, sub_sequence: number): Admitted | Rejected {
  if (!result.ok || sub_sequence === 0) return result;
  return { ...result, event: { ...result.event, sub_sequence } };
}

/** The parts of a record with the key of each; the record's own bytes where they are one. Null: too many. */
function unitsOf(
  { position: { partition_key }, data }: { readonly position: RecordPosition; readonly data: Uint8Array },
  most: number,
  lanes: number,
): readonly UserRecord[] | null {
  if (!isAggregated(data)) return split({ partition_key, data }, most);
  const units: UserRecord[] = [];
  for (const user of deaggregate(data, most) ?? []) {
    const parts = split(lanes > 1 ? { ...user, partition_key } : user, most - units.length);
    if (parts === null) return null;
    units.push(...parts);
  }
  return units.length === 0 ? null : units;
}

function split(unit: UserRecord, most: number): readonly UserRecord[] | null {
  const spans = spansOf(unit.data, most);
  if (spans === null) return null;
  // A single value keeps the blanks around it: the limit of an event is one of the bytes that came.
  if (spans.length < 2) return most > 0 ? [unit] : null;
  return spans.map(({ from, to }) => ({ ...unit, data: unit.data.subarray(from, to) }));
}
