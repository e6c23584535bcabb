import { DAY, MINUTE } from '../../core/values/time.ts';

/** Parts of a slice for each worker: what a run leaves undone is remembered by whole parts, and begun again from their start. */
const PARTS_A_WORKER = 8;

/** Which parts of the table a run looks at: a slice of the entities, so that each is looked at once a day. */
export interface Slice {
  /** Of the parallel scan, the same in every run: an entity always lies in the same part. */
  readonly total: number;
  readonly parts: readonly number[];
}

/**
 * @param scheduled_at when the run was due, ms UTC: a run that comes late or again has the same slice
 * @param everyMinutes between two runs. @param workers that scan at the same time
 */
export function sliceOf(scheduled_at: number, everyMinutes: number, workers: number): Slice {
  const runs = Math.max(1, Math.floor(DAY / (everyMinutes * MINUTE)));
  const size = workers * PARTS_A_WORKER;
  const first = (Math.floor(scheduled_at / (everyMinutes * MINUTE)) % runs) * size;
  return { total: runs * size, parts: Array.from({ length: size }, (_, i) => first + i) };
}

/** Everybody, for a run by hand. */
export function everyPart(workers: number): Slice {
  return { total: workers, parts: Array.from({ length: workers }, (_, i) => i) };
}
