import type { RecordPosition } from '../core/admission/admit.ts';

/** A record as the stream has it, whatever reads it. */
export interface StreamRecord {
  readonly position: RecordPosition;
  readonly data: Uint8Array;
}
