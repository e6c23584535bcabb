/**
 * Odd records through the real ways of the stream: taken apart and admitted, applied, archived, published. What holds for any
 * bytes is checked here; what Spark makes of the same is compared in test/python/spark/test_fuzz.py.
 */

import { compileContracts } from '../../core/admission/admit.ts';
import { type AdmitRecordOptions, admitRecord, type RecordPart } from '../../core/admission/record-parts.ts';
import type { CanonicalEvent, FeatureValue } from '../../core/ir/document.ts';
import { linkOf, titleOf } from '../../core/scores/alerts.ts';
import { finalise } from '../../core/state/finalise.ts';
import { announcement, slackMessage, subjectOf } from '../../engine/alerting/message.ts';
import { chunks } from '../../engine/chunks.ts';
import { archivable } from '../../engine/ingest/archivable.ts';
import type { BatchResult, Misrouted } from '../../engine/ingest/batch.ts';
import { DriftWatch } from '../../engine/ingest/drift.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { type QuarantineLine, writeQuarantine } from '../../engine/ingest/quarantine.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { MAX_EVENT_BYTES } from '../../names/limits.ts';
import { ir, odd } from './definition.ts';
import { ARRIVAL, OddEvents, type OddRecord } from './odd-events.ts';

const SHARD = 'shardId-000000000000';
const BATCH = 200;
const contracts = compileContracts(ir.contracts);

/** The parts under test; a planted bug replaces one. */
export interface Ways {
  readonly admitRecord: typeof admitRecord;
  readonly process: typeof processBatch;
  readonly archivable: typeof archivable;
  readonly subjectOf: typeof subjectOf;
}

export const REAL: Ways = { admitRecord, process: processBatch, archivable, subjectOf };

export interface FuzzRun {
  readonly problems: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly records: readonly StreamRecord[];
  readonly parts: readonly (readonly RecordPart[])[];
  readonly archived: readonly CanonicalEvent[];
  readonly quarantined: readonly QuarantineLine[];
  /** Of each entity, the values of the view at `t`. */
  readonly values: Readonly<Record<string, readonly FeatureValue[]>>;
  /** ms UTC, after all. */
  readonly t: number;
  readonly options: AdmitRecordOptions;
}

/** The same seed and number make the same records. */
export async function fuzz(seed: number, records: number, ways: Ways = REAL): Promise<FuzzRun> {
  const odd = new OddEvents(seed);
  const run = new Run(seed, ways);
  return run.all(Array.from({ length: records }, () => odd.next()));
}

class Run {
  private readonly problems: string[] = [];
  private readonly states = new MemoryStates(odd.plan);
  private readonly lake = new MemoryLake();
  private readonly drift = new DriftWatch(['till'], new MemoryLake().port(), () => ARRIVAL);
  private readonly options: AdmitRecordOptions;
  private readonly ways: Ways;
  private readonly tally = { admitted: 0, misrouted: 0, applied: 0, duplicates: 0, skipped: 0, clamped: 0 };
  private rerouted: Misrouted[] = [];
  private sequence = 10n ** 21n - 300n;
  /** ms UTC; each record arrives after the one before. */
  private now = ARRIVAL;

  constructor(seed: number, ways: Ways) {
    this.ways = ways;
    const lanes = seed % 3 === 0 ? 4 : 1;
    this.options = { replay: false, available_lag_ms: 0, max_bytes: MAX_EVENT_BYTES, lanes };
  }

  async all(odd: readonly OddRecord[]): Promise<FuzzRun> {
    const records: StreamRecord[] = [];
    const archived: CanonicalEvent[] = [];
    let open = odd;
    // What came under another key comes again under its own, once.
    for (let round = 0; open.length > 0; round++) {
      if (round === 2) this.problem(`${open.length} events came under another key again and again`);
      if (round === 2) break;
      const placed = open.map((one) => this.placed(one));
      records.push(...placed);
      this.rerouted = [];
      for (const batch of chunks(placed, BATCH)) archived.push(...(await this.batch(batch)));
      open = this.rerouted.map(({ entity_id, data }) => ({ partition_key: entity_id, data }));
    }
    const parts = records.map((record) => this.parts(record));
    const quarantined = this.quarantined();
    this.nothingLost(records, parts, archived, quarantined);
    const t = this.now + 1;
    for (const event of archived) this.published(event, t);
    const values = this.values(t);
    const reasons: Record<string, number> = {};
    for (const { reason } of quarantined) reasons[reason] = (reasons[reason] ?? 0) + 1;
    const drift = this.drift.take().length;
    const all = { records: records.length, parts: parts.flat().length, archived: archived.length, drift };
    const counts = { ...all, ...this.tally, quarantined: quarantined.length, ...reasons };
    return { problems: this.problems, counts, records, parts, archived, quarantined, values, t, options: this.options };
  }

  private placed({ partition_key, data }: OddRecord): StreamRecord {
    this.sequence += 3n;
    const position = { shard_id: SHARD, sequence_number: String(this.sequence), arrival_ms: ++this.now, partition_key };
    return { position, data };
  }

  private parts(record: StreamRecord): readonly RecordPart[] {
    try {
      return this.ways.admitRecord(record, contracts, this.options);
    } catch (error) {
      this.problem(`${nameOf(record)}: taking it apart raised ${error}`);
      return [];
    }
  }

  /** @returns what the archiver keeps. */
  private async batch(batch: readonly StreamRecord[]): Promise<CanonicalEvent[]> {
    const from = nameOf(batch[0]!);
    try {
      // As Lambda may: the whole batch a second time.
      for (const again of [false, true]) this.count(await this.apply(batch, again), again, from);
      return this.ways.archivable(batch, contracts, this.options);
    } catch (error) {
      this.problem(`the batch from ${from} raised ${error instanceof Error ? error.stack : error}`);
      return [];
    }
  }

  private apply(batch: readonly StreamRecord[], again: boolean): Promise<BatchResult> {
    const rules = { contracts, plan: odd.plan, admit: this.options };
    return this.ways.process(batch, rules, {
      states: this.states.port(),
      quarantine: (lines) => writeQuarantine(this.lake.port(), lines),
      reroute: async (events) => void (again || this.rerouted.push(...events)),
      drift: this.drift,
      clock: null,
      onFailure: (error) => this.problem(`an entity failed: ${error}`),
      pause: () => Promise.resolve(),
    });
  }

  private count(result: BatchResult, again: boolean, from: string): void {
    if (result.failed !== null) this.problem(`the batch from ${from} failed at ${result.failed}`);
    if (again && result.applied + result.duplicates > 0)
      this.problem(`the batch from ${from}: ${result.applied} events were applied again`);
    if (again) return;
    for (const name of Object.keys(this.tally) as (keyof typeof this.tally)[]) this.tally[name] += result[name];
  }

  private quarantined(): QuarantineLine[] {
    const byPlace = new Map<string, QuarantineLine>();
    const lines = [...this.lake.objects.values()].flat() as QuarantineLine[];
    for (const line of lines) byPlace.set(placeOf(line.sequence_number, line.sub_sequence), line);
    return [...byPlace.values()];
  }

  /** Every part is applied, refused with its bytes, or put again: one of them, and the counts agree. */
  private nothingLost(
    records: readonly StreamRecord[],
    parts: readonly (readonly RecordPart[])[],
    archived: readonly CanonicalEvent[],
    quarantined: readonly QuarantineLine[],
  ): void {
    const lines = new Map(quarantined.map((line) => [placeOf(line.sequence_number, line.sub_sequence), line]));
    const kept = new Set(archived.map((event) => placeOf(event.sequence_number, event.sub_sequence)));
    const refusedByState = (reason: string) => reason === 'DUPLICATE_EVENT_ID';
    let refused = 0;
    records.forEach((record, i) => {
      if (parts[i]!.length === 0) this.problem(`${nameOf(record)}: has no part`);
      for (const { position, data, result } of parts[i]!) {
        const place = placeOf(position.sequence_number, position.sub_sequence);
        const line = lines.get(place);
        if (result.ok && !result.misrouted && !kept.has(place)) this.problem(`${place}: is not archived`);
        if (result.ok && line && !refusedByState(line.reason)) this.problem(`${place}: refused as ${line.reason}`);
        if (result.ok) continue;
        refused++;
        if (!line) this.problem(`${place}: refused as ${result.reason}, and not in the quarantine`);
        else if (line.reason !== result.reason || line.raw_base64 !== Buffer.from(data).toString('base64'))
          this.problem(`${place}: in the quarantine with another reason or other bytes`);
      }
    });
    const { admitted, misrouted, applied, duplicates, skipped } = this.tally;
    const all = parts.flat().length;
    if (admitted + refused !== all) this.problem(`${admitted} admitted and ${refused} refused of ${all}`);
    if (applied + duplicates + misrouted !== admitted || skipped > 0)
      this.problem(
        `${applied} applied, ${duplicates} copies, ${misrouted} put again, ${skipped} skipped of ${admitted}`,
      );
    if (archived.length !== kept.size || archived.length !== admitted - misrouted)
      this.problem(`${archived.length} archived at ${kept.size} places; ${admitted - misrouted} were admitted here`);
    if (quarantined.length !== refused + duplicates)
      this.problem(`${quarantined.length} in the quarantine; ${refused} were refused and ${duplicates} were copies`);
    for (const event of archived) this.survives(event);
  }

  /** An event is the same after it was written as JSON. */
  private survives(event: CanonicalEvent): void {
    const text = JSON.stringify(event);
    if (JSON.stringify(JSON.parse(text)) !== text || !text.isWellFormed())
      this.problem(`${event.sequence_number}: is altered by JSON`);
  }

  /** An alert about its entity fits into what SNS and Slack take. */
  private published({ entity_id, sequence_number }: CanonicalEvent, t: number): void {
    const title = titleOf({ ...ir.alerts!, title: '{entity_id} is leaving' }, entity_id);
    try {
      const link = linkOf(ir.alerts!, entity_id, t);
      const scored = { score: 0.9, t, trigger: 'event', reasons: [] };
      const alert = { entity_id, kind: `alert#${t}`, alert_id: 'a', title, link, ...scored };
      const { title: subject, text } = announcement(alert);
      JSON.stringify(slackMessage(alert));
      const sent = this.ways.subjectOf(subject);
      if (sent !== undefined && !SUBJECT.test(sent)) this.problem(`${sequence_number}: a subject that SNS refuses`);
      if (!XML.test(text) || !XML.test(entity_id)) this.problem(`${sequence_number}: a message that SNS refuses`);
      if (!URL.canParse(link)) this.problem(`${sequence_number}: a link that is none`);
    } catch (error) {
      this.problem(`${sequence_number}: an alert about its entity raised ${error}`);
    }
  }

  private values(t: number): Record<string, readonly FeatureValue[]> {
    const values: Record<string, readonly FeatureValue[]> = {};
    for (const entity of this.states.rows.keys()) {
      const { state } = this.states.get([entity]).get(entity)!;
      // A partial that a retraction left inexact tells an older truth until the healing.
      if (state.inexact.length === 0 && !state.ledger.evicted) values[entity] = finalise(odd.plan, state, t);
    }
    return values;
  }

  private problem(what: string): void {
    this.problems.push(what);
  }
}

/** "Subjects must be UTF-8 text with no line breaks or control characters, and less than 100 characters long" (SNS, Publish). */
const SUBJECT = /^(?!\s)[^\p{Cc}\u2028\u2029]{1,99}$/u;
/** The characters of messages and of message attributes (SQS, SendMessage: "#x9 | #xA | #xD | #x20 to #xD7FF | …"). */
const XML = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]+$/u;

function placeOf(sequence_number: string, sub_sequence = 0): string {
  return `${sequence_number} ${sub_sequence}`;
}

function nameOf({ position }: StreamRecord): string {
  return `record ${position.sequence_number}`;
}
