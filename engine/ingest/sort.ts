import type { CompiledContracts } from '../../core/admission/admit.ts';
import { type AdmitRecordOptions, admitRecord } from '../../core/admission/record-parts.ts';
import type { StreamRecord } from '../stream-record.ts';
import type { DriftWatch } from './drift.ts';
import { type Located, type QuarantineLine, quarantineLine } from './quarantine.ts';

/** The events of one entity in a batch, in the order of the shard. */
export interface Work {
  readonly entity_id: string;
  readonly located: Located[];
}

/** A batch by what becomes of its records. */
export interface Sorted {
  readonly works: readonly Work[];
  /** Refused by their contracts. */
  readonly lines: readonly QuarantineLine[];
  /** Of another key than their entity's: these go back into the stream. */
  readonly misrouted: readonly Located[];
  readonly counts: { readonly admitted: number; readonly clamped: number; readonly misrouted: number };
}

/**
 * Admits each record: to its entity, to the quarantine, or back into the stream under its own key.
 * @param drift takes note of each but the misrouted, which come again
 */
export function sortRecords(
  records: readonly StreamRecord[],
  contracts: CompiledContracts,
  options: AdmitRecordOptions,
  drift?: Pick<DriftWatch, 'note'>,
): Sorted {
  const lines: QuarantineLine[] = [];
  const misrouted: Located[] = [];
  const works = new Map<string, Work>();
  const counts = { admitted: 0, clamped: 0, misrouted: 0 };
  for (const whole of records) {
    for (const record of admitRecord(whole, contracts, options)) {
      const { result } = record;
      if (!result.ok) {
        drift?.note(record, contracts);
        lines.push(quarantineLine(record, result));
        continue;
      }
      const { event } = result;
      counts.admitted++;
      if (result.clamped) counts.clamped++;
      if (result.misrouted) {
        counts.misrouted++;
        misrouted.push({ event, record });
        continue;
      }
      drift?.note(record, contracts);
      const work = works.get(event.entity_id) ?? { entity_id: event.entity_id, located: [] };
      works.set(event.entity_id, work);
      work.located.push({ event, record });
    }
  }
  return { works: [...works.values()], lines, misrouted, counts };
}
