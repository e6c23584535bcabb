/** What must hold once faults have stopped and all is delivered. */
import { isDeepStrictEqual } from 'node:util';
import { decodeState, encodeState } from '../../core/codec.ts';
import { finalise } from '../../core/finalise.ts';
import { hash53 } from '../../core/hash.ts';
import type { CanonicalEvent } from '../../core/ir.ts';
import { oracle } from '../../core/oracle.ts';
import { applyEvents, compareSequence, type EntityState, emptyState } from '../../core/state.ts';
import { DAY, HOUR } from '../../core/time.ts';
import type { QuarantineLine } from '../../lambdas/processor/quarantine.ts';
import type { StreamRecord } from '../../lambdas/shared/stream-records.ts';
import { exactValues } from '../core/exact-values.ts';
import { type Deployment, placeOf } from './deployment.ts';
import type { World } from './world.ts';

const LATER = [1, 2, HOUR, DAY - 1, 13 * DAY, 40 * DAY, 200 * DAY];
/** Readers of each entity, and served vectors of each view, that are compared with the oracle. */
const READS = 3;
const SERVED = 12;

export interface Compared {
  /** Feature values that were compared with the oracle, and those left out because a retraction marked them. */
  values: number;
  marked: number;
  /** Entities of which a later copy of an event was applied first: offline, the earliest copy counts. */
  laterCopies: number;
}

export function check(world: World, at: Deployment, compared: Compared): void {
  const refused = at.refused;
  const copies = new Map<string, CanonicalEvent[]>();
  for (const record of world.records) {
    const result = world.admitted(record);
    if (result.ok && !result.misrouted) {
      const of = copies.get(result.event.entity_id) ?? [];
      copies.set(result.event.entity_id, of);
      of.push(result.event);
    } else if (!at.givenUp.has(record)) nothingDropped(world, at, record, refused.get(placeOf(record.position)));
  }
  noneInvented(world, refused);
  for (const [entity, events] of copies) oneEntity(world, at, entity, events, refused, compared);
  for (const entity of at.states.rows.keys())
    if (!copies.has(entity)) world.violated(`${entity}: found a state without an event`);
  replayClock(world, at, [...copies.values()].flat());
}

/** What breaks its contract is in the quarantine with its bytes; what lay under another key lies under its own too. */
function nothingDropped(world: World, at: Deployment, record: StreamRecord, lines: QuarantineLine[] = []): void {
  const result = world.admitted(record);
  const place = placeOf(record.position);
  if (result.ok) {
    if (!at.rerouted.has(Buffer.from(record.data).toString('latin1')))
      world.violated(`${place}: a misrouted record was not put again`);
    return;
  }
  const raw = Buffer.from(record.data).toString('base64');
  if (!lines.some((line) => line.reason === result.reason && line.raw_base64 === raw))
    world.violated(`${place}: a refused record (${result.reason}) is not in the quarantine`);
  const meant = world.sent.get(record)?.broken;
  if (meant && meant !== result.reason) world.violated(`${place}: refused as ${result.reason}, but broken as ${meant}`);
}

/** Each line of the quarantine is about a record that had to be refused. */
function noneInvented(world: World, refused: ReadonlyMap<string, readonly QuarantineLine[]>): void {
  const good = new Map<string, number>();
  const byPlace = new Map(world.records.map((record) => [placeOf(record.position), record]));
  for (const record of world.records) {
    const result = world.admitted(record);
    if (!result.ok || result.misrouted) continue;
    const key = `${result.event.entity_id} ${result.event.event_id}`;
    good.set(key, (good.get(key) ?? 0) + 1);
  }
  for (const [place, lines] of refused) {
    const record = byPlace.get(place);
    const result = record && world.admitted(record);
    if (!result) world.violated(`${place}: found a line of the quarantine without a record`);
    else if (result.ok) {
      const twins = good.get(`${result.event.entity_id} ${result.event.event_id}`) ?? 0;
      if (twins < 2 || lines.some(({ reason }) => reason !== 'DUPLICATE_EVENT_ID'))
        world.violated(`${place}: a good event that came once was refused as ${lines[0]!.reason}`);
    }
  }
}

function oneEntity(
  world: World,
  at: Deployment,
  entity: string,
  copies: readonly CanonicalEvent[],
  refused: ReadonlyMap<string, readonly QuarantineLine[]>,
  compared: Compared,
): void {
  const row = at.states.rows.get(entity);
  if (!row) {
    world.violated(`${entity}: ${copies.length} events were admitted, and there is no state`);
    return;
  }
  const state = decodeState(at.plan, row.bytes, row.watermarks);
  const { events: counted, placed } = world.profile.forgetful
    ? { events: copies, placed: true }
    : countedCopies(world, at, entity, copies, state, refused);
  const newest = Math.max(...counted.map((event) => event.available_at));
  if (state.newest_available_at !== newest) {
    world.violated(`${entity}: another newest arrival than that of its events`);
    return;
  }
  orderDoesNotMatter(world, at, entity, counted, state);
  for (let i = 0; i < READS; i++) {
    const t = newest + world.chance.pick(LATER);
    const expected = oracle(at.view, counted, t);
    compare(world, at, `${entity} at ${t}`, state, finalise(at.plan, state, t), expected, compared);
    if (i === 0 && !isDeepStrictEqual(expected, oracle(at.view, copies, t))) compared.laterCopies++;
  }
  if (placed) servedAsKnown(world, at, entity, counted, compared);
}

/** The events that a state counted, one copy of each. */
interface Counted {
  readonly events: readonly CanonicalEvent[];
  /** Whether the place of every copy is known, too. */
  readonly placed: boolean;
}

/**
 * The state tells when the copy arrived that it counted. Of several that arrived at the same time it is the one that was
 * neither refused nor given up; but where a batch with two copies failed and its first half was given up, the second copy
 * was refused at first and counted then.
 */
function countedCopies(
  world: World,
  at: Deployment,
  entity: string,
  copies: readonly CanonicalEvent[],
  state: EntityState,
  refused: ReadonlyMap<string, readonly QuarantineLine[]>,
): Counted {
  const doubt = (copy: CanonicalEvent) => (refused.has(placeOf(copy)) ? 2 : 0) + (givenUp(at, copy) ? 1 : 0);
  const seen = new Map(state.recent.list().map(({ hash, available_at }) => [hash, available_at]));
  const events: CanonicalEvent[] = [];
  let placed = true;
  for (const [id, own] of byId(copies)) {
    const arrived = seen.get(hash53(id));
    const matching = own.filter((copy) => copy.available_at === arrived).sort((a, b) => doubt(a) - doubt(b));
    const [counted] = matching;
    if (!counted) {
      world.violated(`${entity}: ${id} was lost`);
      continue;
    }
    events.push(counted);
    if (matching.length > 1 && doubt(counted) > 0) placed = false;
    for (const copy of own) {
      if (copy !== counted && doubt(copy) === 0)
        world.violated(`${entity}: a copy of ${id} is neither counted nor refused`);
    }
  }
  if (seen.size !== events.length) world.violated(`${entity}: the state knows ${seen.size} ids of ${events.length}`);
  return { events, placed };
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

function givenUp(at: Deployment, { shard_id, sequence_number }: CanonicalEvent): boolean {
  for (const { position } of at.givenUp) {
    if (position.shard_id === shard_id && position.sequence_number === sequence_number) return true;
  }
  return false;
}

/** The same events in any other order make the same bytes, unless the order decided what was forgotten or marked. */
function orderDoesNotMatter(
  world: World,
  at: Deployment,
  entity: string,
  events: readonly CanonicalEvent[],
  state: EntityState,
): void {
  const order = world.chance.shuffle(events);
  const other = applyEvents(
    at.plan,
    emptyState(at.plan),
    order.map((event, i) => ({ ...event, sequence_number: String(i + 1) })),
  ).state;
  if (state.ledger.evicted || other.ledger.evicted || state.inexact.length + other.inexact.length > 0) return;
  if (!isDeepStrictEqual(encodeState(at.plan, other), encodeState(at.plan, state)))
    world.violated(`${entity}: another order of the same events makes another state`);
}

/** What was served is what the watermarks of that state say was known, at that instant. */
function servedAsKnown(
  world: World,
  at: Deployment,
  entity: string,
  counted: readonly CanonicalEvent[],
  compared: Compared,
): void {
  const own = at.served.filter((served) => served.entity_id === entity);
  for (const { t, state, values } of world.chance.shuffle(own).slice(0, SERVED)) {
    const known = counted.filter(({ shard_id, sequence_number }) => {
      const mark = state.watermarks[shard_id];
      return mark !== undefined && compareSequence(sequence_number, mark) <= 0;
    });
    const expected = oracle(at.view, known, t);
    compare(world, at, `${entity} served at ${t}`, state, values as typeof expected, expected, compared);
  }
}

function compare(
  world: World,
  at: Deployment,
  what: string,
  state: EntityState,
  found: ReturnType<typeof oracle>,
  expected: ReturnType<typeof oracle>,
  compared: Compared,
): void {
  const exact = exactValues(at.plan, state, found);
  const wanted = exactValues(at.plan, state, expected);
  const names = Object.keys(wanted);
  compared.values += names.length;
  compared.marked += expected.length - names.length;
  const wrong = names.filter((name) => !isDeepStrictEqual(exact[name], wanted[name]));
  if (wrong.length > 0) {
    const [name] = wrong;
    world.violated(
      `${what}: ${name} is ${JSON.stringify(exact[name!])}, the oracle says ${JSON.stringify(wanted[name!])}`,
    );
  }
}

/** A replay's clock stands a ms after the newest arrival that was applied, or a given-up one. */
function replayClock(world: World, at: Deployment, events: readonly CanonicalEvent[]): void {
  if (!world.profile.replay || events.length === 0) return;
  const newest = Math.max(...events.map((event) => event.available_at)) + 1;
  if (at.replayClock.now !== newest) world.violated(`the replay clock is ${at.replayClock.now}, allowed: ${newest}`);
}
