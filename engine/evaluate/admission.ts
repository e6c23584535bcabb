/** How events of the past are judged: by the contracts of production, without its clock. */
import type { AdmitOptions } from '../../core/admission/admit.ts';
import { MAX_EVENT_BYTES } from '../../names/limits.ts';

/** Events of the past, each known when it says, or so long (ms) after it happened. */
export const admission = (available_lag_ms: number): AdmitOptions => ({
  replay: true,
  available_lag_ms,
  max_bytes: MAX_EVENT_BYTES,
});

/** Without an `available_at` of its own an event was known when it happened. */
export const ADMISSION: AdmitOptions = admission(0);
