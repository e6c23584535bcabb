/** What drifts, counted by source for metrics, and kept by its names and types for people. */
import type { CompiledContracts } from '../../core/admission/admit.ts';
import { type Drift, driftOf, OTHER, shownName } from '../../core/admission/drift.ts';
import type { RecordPart } from '../../core/admission/record-parts.ts';
import { sha256 } from '../../core/values/hash.ts';
import { DAY } from '../../core/values/time.ts';
import { dayOf, objectKey } from '../../names/lake.ts';
import type { DriftExample } from '../../names/reports.ts';
import type { JsonLinesSink } from '../ports.ts';
import { OptionalFields } from './optional-fields.ts';

/** Different findings that one process tells apart in a day; what is beyond them counts as `OTHER`. */
const MOST = 200;

/** A finding of a batch. */
export interface CountedDrift extends Drift {
  /** Records that had it; of a field that stopped, those without it. */
  readonly records: number;
}

/**
 * Lives as long as its process does. What producers can make up, names of fields, types and sources, makes no more findings
 * than `MOST` a day, and no dimension of a metric.
 */
export class DriftWatch {
  private readonly sources: ReadonlySet<string>;
  private readonly sink: JsonLinesSink;
  private readonly now: () => number;
  private readonly optional = new OptionalFields();
  private batch = new Map<string, { readonly drift: Drift; records: number }>();
  private day = '';
  /** When the day does, ms UTC. */
  private ends = 0;
  /** The day's findings: all, and those that are written. */
  private readonly known = new Set<string>();
  private readonly kept = new Set<string>();

  /** @param sources names that are declared: each is a label of its own. @param now ms UTC */
  constructor(sources: Iterable<string>, sink: JsonLinesSink, now: () => number) {
    this.sources = new Set(sources);
    this.sink = sink;
    this.now = now;
  }

  /** Takes note of a record that was admitted or refused by its contract. */
  note(part: Omit<RecordPart, 'position'>, contracts: CompiledContracts): void {
    for (const drift of driftOf(part, contracts)) this.add(drift);
    if (!part.result.ok) return;
    const { event } = part.result;
    const { fields = [] } = contracts.get(event.event_type)?.get(event.schema_version)?.ir ?? {};
    for (const { name, from = name, type } of this.optional.stopped(event, fields)) {
      const { event_type, schema_version } = event;
      const source = event.source === '' ? '' : shownName(event.source);
      const field = `properties.${shownName(from)}`;
      this.add({
        ...{ kind: 'lost_field', source, event_type, schema_version, field },
        ...{ found: 'undefined', allowed: type },
      });
    }
  }

  /** Counts one difference, found here or by whoever reads sources. */
  add(drift: Drift): void {
    const now = this.now();
    if (now >= this.ends) {
      this.day = dayOf(now);
      this.ends = (Math.floor(now / DAY) + 1) * DAY;
      this.known.clear();
      this.kept.clear();
    }
    let counted = drift;
    let id = idOf(drift);
    if (!this.known.has(id) && this.known.size >= MOST) {
      counted = { ...drift, source: this.label(drift), event_type: OTHER, schema_version: null, found: OTHER };
      counted = { ...counted, field: drift.field === null ? null : OTHER, allowed: null };
      id = idOf(counted);
    }
    this.known.add(id);
    const before = this.batch.get(id);
    if (before) before.records++;
    else this.batch.set(id, { drift: counted, records: 1 });
  }

  /** A declared source by its name; all others, and none, as one. */
  label({ source }: Pick<Drift, 'source'>): string {
    return this.sources.has(source) ? source : OTHER;
  }

  /** What was counted since the last call. */
  take(): readonly CountedDrift[] {
    const found = [...this.batch.values()].map(({ drift, records }) => ({ ...drift, records }));
    this.batch = new Map();
    return found;
  }

  /** Writes what this process has not written today. @throws Error when it can't: the next batch that shows it tries again */
  async keep(found: readonly Drift[]): Promise<void> {
    for (const { kind, source, event_type, schema_version, field, found: type, allowed } of found) {
      const drift = { kind, source, event_type, schema_version, field, found: type, allowed };
      const id = idOf(drift);
      if (this.kept.has(id)) continue;
      const example: DriftExample = { day: this.day, ...drift };
      await this.sink.put(objectKey('drift', { day: this.day, id: sha256(id).slice(0, 24) }), [example]);
      this.kept.add(id);
    }
  }
}

/** The same names and types, the same id: writers overwrite each other with the same. No name has a blank. */
function idOf({ kind, source, event_type, schema_version, field, found, allowed }: Drift): string {
  return [kind, source, event_type, schema_version, field, found, allowed ?? ''].join(' ');
}
