/** What was written, tried on every row that was looked at: which are refused and why, and the first vectors of a few entities. */
import { type Admitted, admit, compileContracts } from '../../../core/admission/admit.ts';
import type { FeatureValue, UseCaseIR } from '../../../core/ir/document.ts';
import { onlineView } from '../../../core/ir/parts.ts';
import { ADMISSION } from '../../../engine/evaluate/admission.ts';
import type { InputEvent } from '../../../engine/evaluate/evaluation.ts';
import { evaluateByStream } from '../../../engine/evaluate/stream.ts';
import type { BadLine } from '../../input/bad-lines.ts';
import { TextCounts } from '../../input/rows/counts.ts';
import { eventReader, rowsSource } from '../../input/rows/events.ts';

/** Entities whose vectors are shown. */
const SHOWN = 3;
/** Those that come early, of whom the busiest are shown. */
const WATCHED = 200;
/** More would not say more, and have to be held. */
const MOST_EVENTS = 20_000;
const BAD_SHOWN = 5;

export interface Refusals {
  readonly reason: string;
  count: number;
  /** By their places. */
  readonly first: BadLine[];
}

export interface Vector {
  readonly entity_id: string;
  /** ms UTC. */
  readonly t: number;
  readonly events: number;
  readonly values: Readonly<Record<string, FeatureValue>>;
}

export interface Checked {
  readonly events: number;
  readonly refused: readonly Refusals[];
  /** Events whose id an earlier one had: they count as copies. */
  readonly copies: number;
  readonly firstCopy: string | null;
  readonly vectors: readonly Vector[];
}

/** @throws CliError when a file can't be read any more */
export async function checked(
  files: readonly string[],
  ir: UseCaseIR,
  source: string,
  onRows: (rows: number) => void,
): Promise<Checked> {
  const read = eventReader(rowsSource(ir, source), ir.contracts);
  const contracts = compileContracts(ir.contracts);
  const watched = new Watched();
  const refused = new Map<string, Refusals>();
  const ids = new TextCounts();
  let [events, copies, rows, last] = [0, 0, 0, 0];
  let firstCopy: string | null = null;
  const refuse = (bad: BadLine) => {
    const known = refused.get(bad.reason) ?? { reason: bad.reason, count: 0, first: [] };
    refused.set(bad.reason, known);
    if (++known.count <= BAD_SHOWN) known.first.push({ place: bad.place, reason: bad.reason, detail: bad.detail });
  };
  for (const file of files) {
    for await (const line of read(file)) {
      if (++rows % 1000 === 0) onRows(rows);
      if ('reason' in line) {
        refuse(line);
        continue;
      }
      const position = { shard_id: 'file', sequence_number: String(rows), arrival_ms: 0, partition_key: '' };
      const found = admit(line.bytes, position, contracts, ADMISSION);
      if (!found.ok) {
        refuse({ place: line.place, reason: found.reason, detail: found.detail });
        continue;
      }
      const { event } = found as Admitted;
      events++;
      if (event.event_time > last) last = event.event_time;
      if (ids.add(event.event_id) > 0) {
        copies++;
        firstCopy ??= line.place;
      }
      watched.add({ line: rows, place: line.place, data: line.bytes, event });
    }
  }
  const vectors = await vectorsOf(ir, watched, last);
  return { events, refused: [...refused.values()], copies, firstCopy, vectors };
}

/** All events of the first entities that come, as many as can be held: the busiest leave first, since theirs would be cut. */
class Watched {
  readonly events = new Map<string, InputEvent[]>();
  /** The only entity that is left has more events than are held: these are its first. */
  cut = false;
  private readonly gone = new Set<string>();
  private held = 0;

  add(input: InputEvent): void {
    const { entity_id } = input.event;
    const own = this.events.get(entity_id);
    if (this.gone.has(entity_id) || (own === undefined && this.events.size + this.gone.size >= WATCHED)) return;
    if (this.held >= MOST_EVENTS && !this.makeRoom()) {
      this.cut = true;
      return;
    }
    this.held++;
    if (own && this.events.has(entity_id)) own.push(input);
    else if (!this.gone.has(entity_id)) this.events.set(entity_id, [input]);
    else this.held--;
  }

  private makeRoom(): boolean {
    if (this.events.size === 1) return false;
    const [busiest, own] = [...this.events].reduce((a, b) => (b[1].length > a[1].length ? b : a));
    this.events.delete(busiest);
    this.gone.add(busiest);
    this.held -= own.length;
    return true;
  }
}

/** Of the busiest that were watched, by the engine that the stream has, a second after the last event. @param last ms UTC */
async function vectorsOf(ir: UseCaseIR, watched: Watched, last: number): Promise<Vector[]> {
  const view = onlineView(ir);
  const shown = [...watched.events].sort(([, a], [, b]) => b.length - a.length).slice(0, SHOWN);
  const newest = (own: readonly InputEvent[]) => own.reduce((most, { event }) => Math.max(most, event.event_time), 0);
  const queries = shown.map(([entity_id, own]) => {
    const t = (watched.cut ? newest(own) : last) + 1000;
    return { entity_id, t, given_t: t };
  });
  const events = shown.flatMap(([, own]) => own);
  const { vectors } = await evaluateByStream(
    { ir, view, events, queries, knowledge: 'asof' },
    { batch: 100, heal: true },
  );
  return shown.map(([entity_id, own], i) => ({
    ...{ entity_id, t: queries[i]!.t, events: own.length },
    values: Object.fromEntries(view.features.map(({ name }, f) => [name, vectors[i]![f]!])),
  }));
}
