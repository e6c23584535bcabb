/** Records that a source's function refused and is given once more: `tidemark quarantine redrive` calls it with them. */
import type { PutOptions } from '../../engine/intake/put-all.ts';
import { type IntakePorts, type SourceOf, type TakeResult, take } from '../../engine/intake/take.ts';
import { type RedriveAnswer, redriveEvent } from '../../names/redrive.ts';

export interface Redriven {
  readonly result: TakeResult;
  /** Of each record, in order: whether all of it is in the stream now. What is refused again stays under the same line. */
  readonly answer: RedriveAnswer;
}

/**
 * @param recordOf what the envelope reads of what was refused. @default - the same
 * @returns null for any other event: the function's own
 */
export async function redriven(
  event: unknown,
  source: SourceOf,
  ports: IntakePorts,
  options: PutOptions,
  recordOf: (raw: Uint8Array) => Promise<Uint8Array> = async (raw) => raw,
): Promise<Redriven | null> {
  const found = redriveEvent.safeParse(event);
  if (!found.success) return null;
  const records = await Promise.all(
    found.data.redrive.map(async ({ raw_base64, received_ms }) => ({
      raw: await recordOf(Buffer.from(raw_base64, 'base64')),
      context: { received_ms, carriage: source.carriage },
    })),
  );
  const result = await take(records, source, ports, options);
  const failed = new Set(result.failed);
  return { result, answer: { taken: records.map((_, i) => !failed.has(i) && result.refusedOf[i] === 0) } };
}
