/** Those who act on the stream from outside: the producers, and whoever reshards it, moves its clocks and deploys. */

import type { CanonicalEvent } from '../../core/ir/document.ts';
import { decodeState, encodeState } from '../../core/state/codec.ts';
import { applyEvents, compareSequence } from '../../core/state/state.ts';
import { MINUTE } from '../../core/values/time.ts';
import type { StateRow } from '../../engine/state-row.ts';
import { backfill } from './backfill.ts';
import { placeOf } from './deployment.ts';
import { Facts, type Sent, several } from './facts.ts';
import type { Shard } from './kinesis.ts';
import type { World } from './world.ts';

/** A codec version that no code reads. */
const UNKNOWN = 77;
/** ms until a producer that got no answer sends again. */
const RETRY_AFTER = [0, 1, 500, 60_000, 3_600_000];

/** ms that a request can be on its way, with what a function knew when it was sent. */
const LONGEST_CALL = 5 * MINUTE;

/** Sends every fact, some of them again and some under a wrong key. */
export async function produce(world: World): Promise<void> {
  const { chance, profile } = world;
  const facts = new Facts(chance.fork(1), profile);
  const copies: Promise<void>[] = [];
  for (let i = 0; i < facts.count; ) {
    await world.time.sleep(chance.of(0.3) ? 0 : chance.int(profile.gap));
    const sent = several(chance.of(profile.bundled) ? facts.some(i, world.now) : [facts.fact(i, world.now)], chance);
    i += sent.parts.length;
    if (sent.parts.length > 1) world.note('record of several events');
    const first = send(world, sent);
    while (chance.of(profile.duplicates)) copies.push(world.run(() => again(world, sent, first)));
  }
  await Promise.all(copies);
}

async function again(world: World, sent: Sent, first: Shard): Promise<void> {
  await world.time.sleep(world.chance.pick(RETRY_AFTER));
  world.note('producer duplicate');
  if (send(world, sent) !== first) world.note('duplicate across shards');
}

/** @returns the shard it went to */
function send(world: World, sent: Sent): Shard {
  const { chance, profile, stream } = world;
  const wrong = sent.parts[0]!.broken === null && chance.of(profile.misrouted);
  const partition_key = wrong ? `thing-${chance.int(4)}-of-another-producer` : sent.partition_key;
  const shard = chance.of(profile.scattered) ? chance.pick(stream.open) : undefined;
  return world.put({ ...sent, partition_key }, shard);
}

/** Shards split and merge, clocks jump, and new code is deployed: each at an instant of its own. */
export async function disturb(world: World): Promise<void> {
  const { chance, profile } = world;
  const span = profile.facts * profile.gap * 0.4 + 1;
  const at = (run: () => void) => async () => {
    await world.time.sleep(chance.int(span));
    run();
  };
  const jobs: (() => Promise<void>)[] = [];
  for (let i = 0; i < profile.reshards; i++) jobs.push(at(() => reshard(world)));
  for (let i = 0; i < profile.clockJumps; i++) jobs.push(at(() => jump(world)));
  if (profile.release) jobs.push(at(() => release(world, span)));
  for (let i = 0; i < profile.badStates; i++) jobs.push(at(() => spoil(world)));
  if (profile.outage) jobs.push(at(() => outage(world)));
  if (profile.erase) jobs.push(at(() => erase(world)));
  if (profile.upgrade) jobs.push(at(() => upgrade(world)));
  await Promise.all(jobs.map((job) => world.run(job)));
}

function reshard(world: World): void {
  const { chance, stream } = world;
  if (chance.of(0.5) && stream.merge()) world.note('shard merge');
  else {
    stream.split(chance.pick(stream.open));
    world.note('shard split');
  }
  world.time.changed();
}

/** The clock that stamps the arrivals of one shard moves, forward or back. */
function jump(world: World): void {
  const { chance, profile, stream } = world;
  if (profile.skew === 0) return;
  chance.pick(stream.open).skew = chance.between(-profile.skew, profile.skew);
  world.note('clock jump of arrivals');
}

/** Newer code wrote a state, or its bytes were damaged, until the healing makes it anew of the events up to its watermarks. */
function spoil(world: World): void {
  const { chance } = world;
  const versions = world.deployments.flatMap(({ current, next }) => [current, ...(next ? [next] : [])]);
  const fenced = versions.filter((version) => version.fenced);
  if (fenced.length === 0) return;
  const version = chance.pick(fenced);
  const { states } = version;
  const entities = [...states.rows].filter(([, row]) => row.bytes[0] !== UNKNOWN && !row.base).map(([id]) => id);
  if (entities.length === 0) return;
  const entity = chance.pick(entities);
  const whole = states.rows.get(entity)!;
  const bytes = Uint8Array.from([UNKNOWN, ...whole.bytes.slice(1)]);
  world.note('bad state');
  states.putRow(entity, { ...whole, bytes }, whole.revision);
  world.run(async () => {
    await world.time.sleep(chance.pick([1000, 20_000, 120_000]));
    const row = states.rows.get(entity);
    // It was erased meanwhile, or its version came back.
    if (row?.bytes !== bytes) return;
    // By the code that is deployed: a former release does not read what this one writes.
    const { encode, decode } = version.codec ?? { encode: encodeState, decode: decodeState };
    const state = decode(version.plan, whole.bytes, whole.watermarks);
    const passed = world.parts.flatMap(({ result }) =>
      result.ok && !result.misrouted && result.event.entity_id === entity && isPassed(result.event, whole, row)
        ? [result.event]
        : [],
    );
    const { state: healed, duplicates } = applyEvents(version.plan, state, passed);
    // Nobody looked at them when they came: the healing counts a fact once, and says nothing of its copies.
    for (const copy of duplicates) world.healedCopies.add(placeOf(copy));
    states.putRow(
      entity,
      { bytes: encode(version.plan, healed), watermarks: row.watermarks, flags: whole.flags },
      row.revision,
    );
  });
}

function isPassed(
  { shard_id, sequence_number }: CanonicalEvent,
  { watermarks: from }: StateRow,
  { watermarks: to }: StateRow,
): boolean {
  const [behind, upTo] = [from[shard_id] ?? '-1', to[shard_id] ?? '-1'];
  return compareSequence(sequence_number, behind) > 0 && compareSequence(sequence_number, upTo) <= 0;
}

/** Longer than any batch is tried: what is read meanwhile is given up. */
function outage(world: World): void {
  world.note('outage');
  world.down = true;
  world.run(async () => {
    await world.time.sleep(20 * MINUTE);
    world.down = false;
  });
}

/** As `tidemark erase` does it: tombstone, stores, a wait for whoever read or wrote before, and the stores again. */
function erase(world: World): void {
  const entity = `thing-${world.chance.int(world.profile.entities)}`;
  world.note('erasure');
  world.erasedAt.set(entity, world.time.now);
  clear(world, entity);
  world.run(async () => {
    await world.time.sleep(LONGEST_CALL);
    while (world.writing > 0) await world.time.sleep(1000);
    clear(world, entity);
  });
}

function clear(world: World, entity: string): void {
  for (const { current, next } of world.deployments) {
    for (const version of next ? [current, next] : [current]) {
      version.states.rows.delete(entity);
      version.scores.scores.delete(entity);
      version.alerting.erase(entity);
    }
  }
}

function upgrade(world: World): void {
  for (const at of world.deployments) at.current.codec = undefined;
}

/**
 * New code with a new version of the view; somebody starts the backfill later. It may be rolled back at any instant, and
 * come again.
 */
function release(world: World, span: number): void {
  const { chance, profile } = world;
  for (const at of world.deployments) {
    const { next } = at;
    if (!next) continue;
    const filled = async () => {
      at.released = true;
      await world.time.sleep(chance.pick([100, 5000, 600_000]));
      await backfill(world, at, next, chance.pick([0, 5000, 120_000]));
    };
    const first = world.run(filled);
    if (!profile.comeBack) continue;
    world.run(async () => {
      await world.time.sleep(chance.int(span));
      at.released = false;
      await world.time.sleep(chance.int(span));
      at.released = true;
      // One run of the job at a time.
      await first;
      await filled();
    });
  }
}
