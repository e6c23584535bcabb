/**
 * Optional fields that stopped coming. One record can't show it, as it may leave them out: it takes what the same process has
 * seen before. A new process knows nothing of what came before it, and says nothing.
 */
import type { CanonicalEvent, FieldIR } from '../../core/ir/document.ts';

/** Records that must have had a field before it can be missed. */
const ENOUGH = 30;
/** Records in a row without it, at least: producers come in bursts. */
const LONG = 100;
/** How likely it may be that a field which came as often as before is left out so often in a row by chance: 1e-9. */
const CERTAIN = -Math.log(1e-9);
/** Kinds of records (source, type, version) that are watched. */
const MOST_KINDS = 256;

/** Of one field of one kind of record. */
interface Run {
  readonly field: FieldIR;
  present: number;
  absent: number;
  /** Records without it since it last came. */
  since: number;
}

export class OptionalFields {
  private readonly kinds = new Map<string, readonly Run[]>();

  /**
   * Takes note of an event. A value that is its field's default can't be told from a missing one, and counts as that.
   * @param fields of the event's contract. @returns those that have stopped, for as long as they do
   */
  stopped({ source, event_type, schema_version, properties }: CanonicalEvent, fields: readonly FieldIR[]): FieldIR[] {
    const kind = `${event_type} ${schema_version} ${source}`;
    let runs = this.kinds.get(kind);
    if (runs === undefined) {
      if (this.kinds.size === MOST_KINDS) return [];
      runs = fields.filter(({ required }) => !required).map((field) => ({ field, present: 0, absent: 0, since: 0 }));
      this.kinds.set(kind, runs);
    }
    const gone: FieldIR[] = [];
    for (const run of runs) {
      const value = properties[run.field.name] ?? null;
      if (value !== (run.field.default ?? null)) {
        run.absent += run.since;
        run.since = 0;
        run.present++;
      } else {
        run.since++;
        if (hasStopped(run)) gone.push(run.field);
      }
    }
    return gone;
  }
}

function hasStopped({ present, absent, since }: Run): boolean {
  if (present < ENOUGH || since < LONG) return false;
  const rate = present / (present + absent + 1);
  return -Math.log(1 - rate) * since > CERTAIN;
}
