/**
 * Brings refused records in after a fix. A record is judged by the contracts that are deployed before it is put back, and what was
 * put back is marked: a second run has nothing of it to do. A run that dies between the two puts some records back again, and
 * each of their events is counted once by its id.
 */
import type { CompiledContracts } from '../../core/admission/admit.ts';
import { type AdmitRecordOptions, admitRecord } from '../../core/admission/record-parts.ts';
import type { RejectionReason } from '../../core/ir/rejection.ts';
import { intakeOf } from '../../names/sources.ts';
import { chunks } from '../chunks.ts';
import type { QuarantineLine } from '../ingest/quarantine.ts';
import { isMarked, isWanted, type Marks, positionOf, type QuarantineObject, type Wanted } from './lines.ts';

export interface RedrivePorts {
  /** Objects that may hold what is wanted, those of a shard in its order. */
  readonly objects: AsyncIterable<QuarantineObject>;
  /** What was put back before. */
  readonly marked: Marks;
  /** Puts records into the stream, in order. @throws Error when it does not take all */
  readonly put: (records: readonly Again[]) => Promise<void>;
  /**
   * Gives raw records to the function of a source once more.
   * @returns for each whether it was taken, null where there is no such function. @throws Error when that fails
   */
  readonly giveBack: (intake: Intake, lines: readonly QuarantineLine[]) => Promise<readonly boolean[] | null>;
  /** Remembers positions of one object that were put back. */
  readonly mark: (from: Pick<QuarantineObject, 'day' | 'shard'>, positions: readonly string[]) => Promise<void>;
  /** Waits as a rate demands. @param records that were just put back */
  readonly pace: (records: number) => Promise<void>;
  readonly onState?: (report: RedriveReport) => void;
}

export type Intake = NonNullable<ReturnType<typeof intakeOf>>;

export interface Again {
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

export interface RedriveRules {
  readonly contracts: CompiledContracts;
  readonly admit: AdmitRecordOptions;
  readonly wanted: Wanted;
  /** ms UTC: the arrival by which records are judged. */
  readonly now: number;
  /** Only counts. */
  readonly dryRun: boolean;
  /** Records that are put back in one go. */
  readonly portion: number;
  /** Records that are put back at most. */
  readonly limit: number;
}

/** Lines that were wanted, each in one of these. */
export interface RedriveReport {
  /** Put into the stream; of a dry run: would be. */
  readonly sent: number;
  /** Given to the function of their source and taken; of a dry run: would be given. */
  readonly given: Readonly<Record<string, number>>;
  /** Left: the contracts refuse them still, by the reason of today. */
  readonly refused: Readonly<Partial<Record<RejectionReason, number>>>;
  /** Left: their source's function refuses them still. */
  readonly declined: Readonly<Record<string, number>>;
  /** Left: copies of what was counted. */
  readonly duplicates: number;
  /** Put back by an earlier run. */
  readonly before: number;
  /** Left: there is no function of this source. */
  readonly without: Readonly<Record<string, number>>;
  /** What failed, an object each: the rest of it and of its shard is left for the next run. Never a payload. */
  readonly failed: readonly string[];
}

export async function redriveLines(rules: RedriveRules, ports: RedrivePorts): Promise<RedriveReport> {
  const run = new Redrive(rules, ports);
  for await (const object of ports.objects) {
    await run.object(object);
    if (run.full) break;
  }
  return run.report;
}

type Counts<Key extends string = string> = Partial<Record<Key, number>>;

class Redrive {
  private readonly rules: RedriveRules;
  private readonly ports: RedrivePorts;
  private readonly seen = new Set<string>();
  /** What lies behind a failure in its shard must not overtake it. */
  private readonly stopped = new Set<string>();
  private taken = 0;
  readonly report = {
    sent: 0,
    given: {} as Record<string, number>,
    refused: {} as Counts<RejectionReason>,
    declined: {} as Record<string, number>,
    duplicates: 0,
    before: 0,
    without: {} as Record<string, number>,
    failed: [] as string[],
  };

  constructor(rules: RedriveRules, ports: RedrivePorts) {
    this.rules = rules;
    this.ports = ports;
  }

  get full(): boolean {
    return this.taken >= this.rules.limit;
  }

  async object(object: QuarantineObject): Promise<void> {
    if (this.stopped.has(object.shard)) return;
    const fresh = object.lines.filter((line) => this.isFresh(line));
    const intake = fresh.length > 0 ? intakeOf(fresh[0]!.shard_id) : undefined;
    const ready = (intake ? fresh : fresh.filter((line) => this.isAdmitted(line))).slice(
      0,
      this.rules.limit - this.taken,
    );
    this.taken += ready.length;
    const done: string[] = [];
    try {
      for (const portion of chunks(ready, this.rules.portion)) {
        done.push(...(await (intake ? this.give(intake, portion) : this.send(portion))).map(positionOf));
        this.ports.onState?.(this.report);
        if (!this.rules.dryRun) await this.ports.pace(portion.length);
      }
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      this.stopped.add(object.shard);
      this.report.failed.push(`${object.key}: ${error instanceof Error ? error.message : typeof error}`);
    } finally {
      if (done.length > 0 && !this.rules.dryRun) await this.ports.mark(object, done);
    }
  }

  private isFresh(line: QuarantineLine): boolean {
    const position = positionOf(line);
    const before = isMarked(line, this.ports.marked);
    const place = `${position} ${before}`;
    if (!isWanted(line, this.rules.wanted) || this.seen.has(place)) return false;
    this.seen.add(place);
    // Their events are counted; long after, nobody would know them as copies any more.
    if (line.reason === 'DUPLICATE_EVENT_ID') this.report.duplicates++;
    else if (before) this.report.before++;
    else return true;
    return false;
  }

  private isAdmitted({ shard_id, sequence_number, partition_key, raw_base64 }: QuarantineLine): boolean {
    const position = { shard_id, sequence_number, partition_key, arrival_ms: this.rules.now };
    const data = Buffer.from(raw_base64, 'base64');
    const parts = admitRecord({ position, data }, this.rules.contracts, this.rules.admit);
    let reason: RejectionReason | null = null;
    for (const { result } of parts) {
      if (result.ok) return true;
      reason ??= result.reason;
    }
    if (reason) this.report.refused[reason] = (this.report.refused[reason] ?? 0) + 1;
    return false;
  }

  private async send(lines: readonly QuarantineLine[]): Promise<readonly QuarantineLine[]> {
    const records = lines.map(({ partition_key, raw_base64 }) => ({
      partitionKey: partition_key,
      data: Buffer.from(raw_base64, 'base64'),
    }));
    if (!this.rules.dryRun) await this.ports.put(records);
    this.report.sent += lines.length;
    return lines;
  }

  private async give(intake: Intake, lines: readonly QuarantineLine[]): Promise<readonly QuarantineLine[]> {
    const { given, declined, without } = this.report;
    const answers = this.rules.dryRun ? lines.map(() => true) : await this.ports.giveBack(intake, lines);
    const count = (into: Record<string, number>, n: number) => {
      if (n > 0) into[intake.source] = (into[intake.source] ?? 0) + n;
    };
    if (answers === null) {
      count(without, lines.length);
      return [];
    }
    const taken = lines.filter((_, i) => answers[i] === true);
    count(given, taken.length);
    count(declined, lines.length - taken.length);
    return taken;
  }
}
