import { deaggregate, KplError } from '../../core/admission/kpl.ts';

/** More than fit into a record of 1 MiB that hold anything. */
const MOST = 100_000;

/** The user records of an aggregated one; one that can't be read stays what it is, and the envelope refuses it. */
export function unaggregated(data: Uint8Array): readonly Uint8Array[] {
  try {
    return deaggregate(data, MOST)?.map((record) => record.data) ?? [data];
  } catch (error) {
    if (error instanceof KplError) return [data];
    throw error;
  }
}
