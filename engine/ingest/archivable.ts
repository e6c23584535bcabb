import type { CompiledContracts } from '../../core/admission/admit.ts';
import { type AdmitRecordOptions, admitRecord } from '../../core/admission/record-parts.ts';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import type { StreamRecord } from '../stream-record.ts';

/** What passed its contract, in order. What was refused is the processor's; what belongs to another key comes again under it. */
export function archivable(
  records: readonly StreamRecord[],
  contracts: CompiledContracts,
  options: AdmitRecordOptions,
): CanonicalEvent[] {
  return records.flatMap((record) =>
    admitRecord(record, contracts, options).flatMap(({ result }) =>
      result.ok && !result.misrouted ? [result.event] : [],
    ),
  );
}
