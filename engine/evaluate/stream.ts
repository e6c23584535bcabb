/**
 * The stream engine as it runs in production: contract → batch → state codec → finalised at `t`. The ports are in memory,
 * the bytes are real.
 */

import { type CompiledContracts, compileContracts } from '../../core/admission/admit.ts';
import type { CanonicalEvent, FeatureValue } from '../../core/ir/document.ts';
import { encodeState } from '../../core/state/codec.ts';
import { finalise } from '../../core/state/finalise.ts';
import { compileView, type ViewPlan } from '../../core/state/plan.ts';
import { type EntityState, emptyState } from '../../core/state/state.ts';
import { MAX_STATE_BYTES } from '../../names/limits.ts';
import type { ProcessorPorts } from '../ingest/batch.ts';
import { processBatch } from '../ingest/process.ts';
import type { QuarantineLine } from '../ingest/quarantine.ts';
import { MemoryStates } from '../memory/states.ts';
import { ADMISSION } from './admission.ts';
import { type DeliveryOptions, deliveries, type Waiting } from './delivery.ts';
import { byKnowledge, type Evaluation, type Vectors } from './evaluation.ts';
import { rebuilt, throughBytes } from './healed.ts';

export interface StreamOptions extends DeliveryOptions {
  /** Repair, as the nightly job does, what a state could not tell by itself. */
  readonly heal: boolean;
}

/** Vectors that were read from a healed state, because the stored one did not hold the whole truth. */
export interface Repairs {
  /** An event was retracted that could not be taken out of its tile. */
  readonly inexact: number;
  /** A producer's copy of an event came later than the view's dedupe horizon, or after too many others. */
  readonly doubled: number;
  /** Events that went to the quarantine as OVERSIZE: with them their state would be larger than an item may be. */
  readonly oversize: number;
}

/** An event that its entity's state can't take; the message says which and why. */
export class UnheldEventError extends Error {
  override readonly name = 'UnheldEventError';
}

/** @throws UnheldEventError when a state can't hold an event (a sum beyond 2^53) */
export async function evaluateByStream(
  asked: Evaluation,
  options: StreamOptions,
  onProgress: (delivered: number) => void = () => {},
): Promise<{ readonly vectors: Vectors; readonly repairs: Repairs }> {
  const vectors: (readonly FeatureValue[])[] = new Array(asked.queries.length);
  const repairs = { inexact: 0, doubled: 0 };
  const oversize = new Set<number>();
  const groups = [...byKnowledge(asked)];
  for (const [knowledge, places] of groups) {
    const queries = places.map((i) => asked.queries[i]!);
    // All events once, where all queries know alike; else of each group only those of whom it asks.
    const entities = groups.length === 1 ? null : new Set(queries.map(({ entity_id }) => entity_id));
    const events = entities ? asked.events.filter(({ event }) => entities.has(event.entity_id)) : asked.events;
    const found = await evaluateGroup({ ...asked, knowledge, queries, events }, options, onProgress);
    places.forEach((i, at) => {
      vectors[i] = found.vectors[at]!;
    });
    repairs.inexact += found.repairs.inexact;
    repairs.doubled += found.repairs.doubled;
    for (const line of found.oversize) oversize.add(line);
  }
  return { vectors, repairs: { ...repairs, oversize: oversize.size } };
}

/** Queries that know alike. */
async function evaluateGroup(
  asked: Evaluation,
  options: StreamOptions,
  onProgress: (delivered: number) => void,
): Promise<{
  readonly vectors: Vectors;
  readonly repairs: Pick<Repairs, 'inexact' | 'doubled'>;
  readonly oversize: ReadonlySet<number>;
}> {
  const { queries, knowledge } = asked;
  const vectors: (readonly FeatureValue[])[] = new Array(queries.length);
  const replay = new Replay(asked, options);
  const waiting = scheduled(asked);
  const instants = new Map<number, number[]>();
  queries.forEach(({ t }, i) => {
    if (!instants.get(t)?.push(i)) instants.set(t, [i]);
  });
  let next = 0;
  for (const t of [...instants.keys()].sort((a, b) => a - b)) {
    const from = next;
    while (next < waiting.length && waiting[next]!.due < t) next++;
    const arrived = waiting.slice(from, next).sort((a, b) => a.arrival - b.arrival);
    // Who knows nothing that came later needs no other clock than the processor's own.
    const read_at = knowledge === 'asof' ? undefined : t;
    await replay.deliver(arrived, read_at);
    for (const i of instants.get(t)!) vectors[i] = await replay.read(queries[i]!.entity_id, t, read_at);
    onProgress(next);
  }
  return { vectors, repairs: replay.repairs, oversize: replay.oversize };
}

/**
 * What is known at all, by `due`. As of t that is the arrival. With a fixed cut-off everything is known from the start, and
 * an event is due when it happened: before, it must be in no tile.
 */
function scheduled({ events, knowledge }: Evaluation): Waiting[] {
  const known = typeof knowledge === 'number' ? events.filter((one) => one.event.available_at < knowledge) : events;
  const firstTimes = new Map<string, number>();
  return [...known]
    .sort((a, b) => a.event.available_at - b.event.available_at)
    .map((one, arrival): Waiting => {
      const { entity_id, event_id, event_time, available_at } = one.event;
      const key = JSON.stringify([entity_id, event_id]);
      const first = firstTimes.get(key);
      if (first === undefined) firstTimes.set(key, event_time);
      const due = knowledge === 'asof' ? available_at : Math.max(event_time, first ?? event_time);
      return { ...one, arrival, copy: first !== undefined, due };
    })
    .sort((a, b) => a.due - b.due);
}

class Replay {
  private readonly plan: ViewPlan;
  private readonly contracts: CompiledContracts;
  private readonly states: MemoryStates;
  private readonly ports: ProcessorPorts;
  private readonly batches: ReturnType<typeof deliveries>;
  private readonly heal: boolean;
  /** By sequence number. */
  private readonly delivered = new Map<string, Waiting>();
  /** Of each entity, what was delivered, without copies. */
  private readonly facts = new Map<string, CanonicalEvent[]>();
  /** Of each entity, copies that were delivered and not refused. */
  private readonly counted = new Map<string, Set<Waiting>>();
  /** Of each entity, the last healing and after how many facts it was. */
  private readonly healings = new Map<string, { readonly facts: number; readonly state: EntityState | null }>();
  /** Lines of events that no state could take. */
  readonly oversize = new Set<number>();
  private inexact = 0;
  private doubled = 0;

  constructor({ ir, view }: Evaluation, options: StreamOptions) {
    this.plan = compileView(view);
    this.contracts = compileContracts(ir.contracts);
    this.states = new MemoryStates(this.plan, { max_bytes: MAX_STATE_BYTES });
    this.batches = deliveries(options);
    this.heal = options.heal;
    this.ports = {
      states: this.states,
      quarantine: async (lines) => this.refused(lines),
      reroute: () => Promise.reject(new Error('a record whose partition key is its entity was rerouted')),
      clock: null,
      onFailure: (error) => {
        throw error;
      },
    };
  }

  get repairs(): Pick<Repairs, 'inexact' | 'doubled'> {
    return { inexact: this.inexact, doubled: this.doubled };
  }

  async deliver(arrived: readonly Waiting[], read_at: number | undefined): Promise<void> {
    const rules = { contracts: this.contracts, plan: this.plan, admit: ADMISSION, read_at };
    for (const batch of this.batches(arrived)) {
      for (const { item, record } of batch) this.note(item, record.position.sequence_number);
      const records = batch.map((parcel) => parcel.record);
      await processBatch(records, rules, this.ports);
    }
  }

  /** The vector of an entity at `t`, which is after everything that was delivered. */
  async read(entity_id: string, t: number, read_at: number | undefined): Promise<FeatureValue[]> {
    const stored = (await this.states.read([entity_id])).get(entity_id);
    if (!stored) return finalise(this.plan, emptyState(this.plan), t);
    const inexact = stored.state.inexact.includes(true);
    const doubled = (this.counted.get(entity_id)?.size ?? 0) > 0;
    const healed = this.heal && (inexact || doubled) ? this.healed(entity_id, read_at) : null;
    if (healed === null) return finalise(this.plan, stored.state, t);
    if (inexact) this.inexact++;
    if (doubled) this.doubled++;
    return finalise(this.plan, healed, t);
  }

  /** Null where it would be too large. Only read, and not put in the store: there the flags stay, which say that a later event may meet what was forgotten. */
  private healed(entity_id: string, read_at: number | undefined): EntityState | null {
    const facts = this.facts.get(entity_id) ?? [];
    const before = this.healings.get(entity_id);
    if (before?.facts === facts.length) return before.state;
    const whole = rebuilt(this.plan, facts, read_at);
    // The nightly job leaves such a state as it is, too.
    const state = encodeState(this.plan, whole).length > MAX_STATE_BYTES ? null : throughBytes(this.plan, whole);
    this.healings.set(entity_id, { facts: facts.length, state });
    return state;
  }

  private note(item: Waiting, sequence: string): void {
    // A redelivery.
    if (this.delivered.has(sequence)) return;
    this.delivered.set(sequence, item);
    const { entity_id } = item.event;
    if (item.copy) this.counted.set(entity_id, (this.counted.get(entity_id) ?? new Set()).add(item));
    else if (this.facts.has(entity_id)) this.facts.get(entity_id)!.push(item.event);
    else this.facts.set(entity_id, [item.event]);
  }

  /** The contract has admitted every event before: what is left are copies, and what no state can hold. */
  private refused(lines: readonly QuarantineLine[]): void {
    for (const { sequence_number, reason, detail } of lines) {
      const item = this.delivered.get(sequence_number)!;
      if (reason === 'OVERSIZE') this.oversize.add(item.line);
      else if (reason !== 'DUPLICATE_EVENT_ID') throw new UnheldEventError(`${item.place}: ${reason}: ${detail}`);
      this.counted.get(item.event.entity_id)?.delete(item);
    }
  }
}
