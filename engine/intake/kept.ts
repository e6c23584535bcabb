/** What a source's function keeps in the lake: refused records as the quarantine has them, and what the source lost. */
import type { Gap, Refused } from '../../core/intake/envelope.ts';
import type { CarriageKind } from '../../core/ir/document.ts';
import { sha256 } from '../../core/values/hash.ts';
import { dayOf, objectKey } from '../../names/lake.ts';
import { intakeShard } from '../../names/sources.ts';
import { type QuarantineLine, writeQuarantine } from '../ingest/quarantine.ts';
import type { JsonLinesSink } from '../ports.ts';

interface Way {
  readonly name: string;
  readonly carriage: CarriageKind;
}

/** Digits of a sequence number that stands for bytes. */
const HEX = 30;

/**
 * The same bytes have the same place, so that what comes again is kept once.
 * @param refused with when each was received, ms UTC
 */
export async function keepRefused(
  sink: JsonLinesSink,
  { name, carriage }: Way,
  refused: readonly (Refused & { readonly received_ms: number })[],
): Promise<void> {
  const lines = new Map<string, QuarantineLine>();
  for (const { reason, detail, raw, received_ms } of refused) {
    const raw_base64 = Buffer.from(raw).toString('base64');
    const sequence_number = BigInt(`0x${sha256(raw_base64).slice(0, HEX)}`).toString();
    lines.set(sequence_number, {
      shard_id: intakeShard(name, carriage),
      sequence_number,
      sub_sequence: 0,
      arrival: received_ms,
      reason,
      detail,
      event_type: null,
      schema_version: null,
      source: name,
      partition_key: '',
      source: name,
      raw_base64,
    });
  }
  await writeQuarantine(sink, [...lines.values()]);
}

/** One object a gap; the same gap overwrites itself. */
export async function keepGaps(
  sink: JsonLinesSink,
  { name, carriage }: Way,
  gaps: readonly (Gap & { readonly received_ms: number })[],
): Promise<void> {
  for (const { received_ms, ...gap } of gaps) {
    const hash = sha256(JSON.stringify(gap)).slice(0, 16);
    const key = objectKey('sourceGap', { day: dayOf(received_ms), source: name, hash });
    await sink.put(key, [{ source: name, carriage, received_at: received_ms, ...gap }]);
  }
}
