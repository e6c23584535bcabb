/** What must hold of the states of one version, and of what was served from them. */
import { isDeepStrictEqual } from 'node:util';
import type { CanonicalEvent, FeatureValue } from '../../core/ir/document.ts';
import { oracle } from '../../core/oracle.ts';
import { encodeState } from '../../core/state/codec.ts';
import { finalise } from '../../core/state/finalise.ts';
import { RecentIds } from '../../core/state/recent-ids.ts';
import { applyEvents, compareSequence, type EntityState, emptyState } from '../../core/state/state.ts';
import { formerIdHash, idHash } from '../../core/values/hash.ts';
import { DAY, HOUR } from '../../core/values/time.ts';
import { exactValues } from '../core/exact-values.ts';
import type { Version } from './version.ts';
import type { World } from './world.ts';

const LATER = [1, 2, HOUR, DAY - 1, 13 * DAY, 40 * DAY, 200 * DAY];
/** Readers of each entity, and served vectors of each, that are compared with the oracle. */
const READS = 3;
const SERVED = 12;

export interface Compared {
  /** Feature values that were compared with the oracle, and those left out because a retraction left them inexact. */
  values: number;
  inexact: number;
  /** Entities of which a later copy of an event was applied first: offline, the earliest copy counts. */
  laterCopies: number;
  /** Entities that say themselves that an event is in twice, where its copies lie on both sides of a join. */
  toHeal: number;
}

/** What else became of a copy of an event. */
export interface Fate {
  readonly refused: boolean;
  readonly givenUp: boolean;
}

/** The events that a state counted, one copy of each, and whether the place of each copy is known, too. */
interface Counted {
  readonly events: readonly CanonicalEvent[];
  readonly placed: boolean;
}

export class StateCheck {
  private readonly world: World;
  private readonly of: Version;
  private readonly byEntity: ReadonlyMap<string, readonly CanonicalEvent[]>;
  private readonly compared: Compared;
  private readonly fate: ((copy: CanonicalEvent) => Fate) | null;

  /** @param byEntity every admitted copy of every event. @param fate null: any copy may be the one that counts */
  constructor(
    world: World,
    of: Version,
    byEntity: ReadonlyMap<string, readonly CanonicalEvent[]>,
    compared: Compared,
    fate: ((copy: CanonicalEvent) => Fate) | null,
  ) {
    this.world = world;
    this.of = of;
    this.byEntity = byEntity;
    this.compared = compared;
    this.fate = fate;
  }

  run(): void {
    for (const [entity, copies] of this.byEntity) this.entity(entity, copies);
    for (const entity of this.of.states.rows.keys())
      if (!this.byEntity.has(entity)) this.world.violated(`${entity}: found a state without an event`);
  }

  private entity(entity: string, copies: readonly CanonicalEvent[]): void {
    const { world, of, compared } = this;
    const stored = of.states.get([entity]).get(entity);
    if (!stored) {
      world.violated(`${entity}: ${copies.length} events were admitted, and there is no state`);
      return;
    }
    const { state, flags } = stored;
    if (flags?.heal) {
      compared.toHeal++;
      return;
    }
    const { events, placed } = world.profile.forgetful
      ? { events: copies, placed: true }
      : this.counted(entity, copies, state);
    const newest = Math.max(...events.map((event) => event.available_at));
    if (state.newest_available_at !== newest) {
      world.violated(`${entity}: another newest arrival than that of its events`);
      return;
    }
    this.anyOrder(entity, events, state);
    for (let i = 0; i < READS; i++) {
      const t = newest + world.chance.pick(LATER);
      const expected = oracle(of.view, events, t);
      this.compare(`${entity} at ${t}`, state, finalise(of.plan, state, t), expected);
      if (i === 0 && !isDeepStrictEqual(expected, oracle(of.view, copies, t))) compared.laterCopies++;
    }
    if (placed) this.served(entity, events);
  }

  /**
   * The state tells when the copy arrived that it counted. Of several that arrived at the same time it is the one that was
   * neither refused nor given up; but where a batch with two copies failed and its first half was given up, the second copy
   * was refused at first and counted then.
   */
  private counted(entity: string, copies: readonly CanonicalEvent[], state: EntityState): Counted {
    const { world, fate } = this;
    const doubt = (copy: CanonicalEvent) => {
      const { refused, givenUp } = fate?.(copy) ?? { refused: false, givenUp: false };
      return (refused ? 2 : 0) + (givenUp ? 1 : 0);
    };
    const seen = new Map(state.recent.list().map(({ hash, available_at }) => [hash, available_at]));
    const events: CanonicalEvent[] = [];
    let placed = true;
    for (const [id, own] of byId(copies)) {
      const arrived = seen.get(idHash(id)) ?? seen.get(formerIdHash(id));
      const matching = own.filter((copy) => copy.available_at === arrived).sort((a, b) => doubt(a) - doubt(b));
      const [counted] = matching;
      if (!counted) {
        world.violated(`${entity}: ${id} was lost by ${this.of.name}`);
        continue;
      }
      events.push(counted);
      if (matching.length > 1 && doubt(counted) > 0) placed = false;
      if (fate && own.some((copy) => copy !== counted && doubt(copy) === 0))
        world.violated(`${entity}: a copy of ${id} is neither counted nor refused`);
    }
    // A fact may stand in both hashes: of former code in what a new version was seeded from, of this code in its backfill.
    const own = new Set(copies.flatMap(({ event_id }) => [idHash(event_id), formerIdHash(event_id)]));
    const strange = [...seen.keys()].filter((hash) => !own.has(hash)).length;
    if (strange > 0) world.violated(`${entity}: the state knows ${strange} ids of no event of it`);
    return { events, placed };
  }

  /** The same events in any other order make the same bytes, unless the order decided what was forgotten or inexact. */
  private anyOrder(entity: string, events: readonly CanonicalEvent[], state: EntityState): void {
    const { plan } = this.of;
    const order = this.world.chance.shuffle(events).map((event, i) => ({ ...event, sequence_number: String(i + 1) }));
    const other = applyEvents(
      plan,
      emptyState(plan),
      order.map((event) => ({ ...event, shard_id: 'any' })),
    ).state;
    if (state.ledger.evicted || other.ledger.evicted || state.inexact.length + other.inexact.length > 0) return;
    // Ids that former code remembered have other hashes.
    const bytes = (of: EntityState) =>
      encodeState(plan, state.former_ids ? { ...of, recent: RecentIds.none, former_ids: false } : of);
    if (!isDeepStrictEqual(bytes(other), bytes(state)))
      this.world.violated(`${entity}: another order of the same events makes another state`);
  }

  /** What was served is what the watermarks of that state say was known, at that instant. */
  private served(entity: string, counted: readonly CanonicalEvent[]): void {
    const own = this.of.served.filter((served) => served.entity_id === entity);
    for (const { t, state, values } of this.world.chance.shuffle(own).slice(0, SERVED)) {
      const known = counted.filter(({ shard_id, sequence_number }) => {
        const mark = state.watermarks[shard_id];
        return mark !== undefined && compareSequence(sequence_number, mark) <= 0;
      });
      this.compare(`${entity} served at ${t}`, state, values, oracle(this.of.view, known, t));
    }
  }

  private compare(
    what: string,
    state: EntityState,
    found: readonly FeatureValue[],
    expected: readonly FeatureValue[],
  ): void {
    const { world, of, compared } = this;
    const exact = exactValues(of.plan, state, found);
    const wanted = exactValues(of.plan, state, expected);
    const names = Object.keys(wanted);
    compared.values += names.length;
    compared.inexact += expected.length - names.length;
    const wrong = names.find((name) => !isDeepStrictEqual(exact[name], wanted[name]));
    if (wrong === undefined) return;
    const [is, should] = [exact[wrong], wanted[wrong]].map((value) => JSON.stringify(value));
    world.violated(`${what}: ${wrong} is ${is}, the oracle says ${should}`);
  }
}

function byId(events: readonly CanonicalEvent[]): Map<string, CanonicalEvent[]> {
  const groups = new Map<string, CanonicalEvent[]>();
  for (const event of events) {
    const group = groups.get(event.event_id) ?? [];
    groups.set(event.event_id, group);
    group.push(event);
  }
  return groups;
}
