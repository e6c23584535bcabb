/** Records of a source → events on the stream, and everything else that comes of them: nothing is lost, whatever they hold. */
import type { Gap, IntakeContext, Refused } from '../../core/intake/envelope.ts';
import type { Intake, OutgoingEvent } from '../../core/intake/intake.ts';
import type { CarriageKind } from '../../core/ir/document.ts';
import type { RejectionReason } from '../../core/ir/rejection.ts';
import { fitsStream, type PutOptions, putAll, type RecordSink } from './put-all.ts';
import type { SourceDrift } from './source-drift.ts';

/** What came, and what is known of it. */
export interface IntakeRecord {
  readonly raw: Uint8Array;
  readonly context: IntakeContext;
}

/** What a source's function needs from outside. Whatever fails here fails the call: its sender or its queue sends again. */
export interface IntakePorts {
  readonly stream: RecordSink;
  /** Keeps what could not be read or mapped. */
  refuse(refused: readonly (Refused & { readonly received_ms: number })[]): Promise<void>;
  /** Forgets entities: only a source with `erase` rules ever names one. */
  erase(entity_ids: readonly string[]): Promise<void>;
  /** Writes down what the source admits to have lost. */
  gaps(gaps: readonly (Gap & { readonly received_ms: number })[]): Promise<void>;
  /** Takes note of what differs from what the map looks for. @default - nobody asks */
  readonly drift?: Pick<SourceDrift, 'note'>;
}

export interface SourceOf {
  readonly name: string;
  readonly carriage: CarriageKind;
  readonly intake: Intake;
}

export interface TakeResult {
  /** Places of the records of which not all events are on the stream, ascending. */
  readonly failed: readonly number[];
  readonly received: number;
  /** When the oldest record came to its own door, ms UTC; null of no records. */
  readonly oldest_ms: number | null;
  readonly events: number;
  readonly erased: number;
  readonly gaps: number;
  readonly refused: ReadonlyMap<RejectionReason, number>;
  readonly ignored: ReadonlyMap<string, number>;
  /** Of each record, in order, how many of its items were refused. */
  readonly refusedOf: readonly number[];
}

/**
 * What is refused, forgotten and missing is kept before the events are put: when these fail, the record comes again, and what
 * was kept is the same again.
 * @throws Error when what is refused, forgotten or missing could not be kept
 */
export async function take(
  records: readonly IntakeRecord[],
  { intake }: SourceOf,
  ports: IntakePorts,
  options: PutOptions = {},
): Promise<TakeResult> {
  const events: OutgoingEvent[] = [];
  const recordOf: number[] = [];
  const refused: (Refused & { received_ms: number })[] = [];
  const gaps: (Gap & { received_ms: number })[] = [];
  const erasures = new Set<string>();
  const ignored = new Map<string, number>();
  const refusedOf: number[] = [];
  for (const [place, { raw, context }] of records.entries()) {
    const { received_ms } = context;
    const taken = intake(raw, context);
    ports.drift?.note(taken);
    const large = taken.events.filter((event) => !fitsStream(event));
    const own = [...taken.refused, ...large.map(tooLarge)];
    refusedOf.push(own.length);
    refused.push(...own.map((one) => ({ ...one, received_ms })));
    gaps.push(...taken.gaps.map((gap) => ({ ...gap, received_ms })));
    for (const entity of taken.erasures) erasures.add(entity);
    for (const [kind, n] of taken.ignored) ignored.set(kind, (ignored.get(kind) ?? 0) + n);
    for (const event of taken.events) {
      if (large.includes(event)) continue;
      events.push(event);
      recordOf.push(place);
    }
  }
  if (refused.length > 0) await ports.refuse(refused);
  if (gaps.length > 0) await ports.gaps(gaps);
  if (erasures.size > 0) await ports.erase([...erasures]);
  const left = await putAll(ports.stream, events, options);
  return {
    failed: [...new Set(left.map((place) => recordOf[place]!))],
    received: records.length,
    oldest_ms: records.length === 0 ? null : Math.min(...records.map(({ context }) => context.received_ms)),
    events: events.length - left.length,
    erased: erasures.size,
    gaps: gaps.length,
    refused: counted(refused.map(({ reason }) => reason)),
    ignored,
    refusedOf,
  };
}

const tooLarge = ({ data, kind }: OutgoingEvent): Refused => ({
  reason: 'OVERSIZE',
  detail: `event: found ${data.length} bytes; allowed: what a record of the stream holds, 1 MiB with its key`,
  raw: data,
  kind,
});

function counted<T>(values: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
