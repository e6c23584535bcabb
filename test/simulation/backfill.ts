/**
 * The backfill of a new view version beside live traffic, as glue-scripts/tidemark_spark does it: where each shard cut over,
 * whether the archive reaches that far, then each entity's part under a condition, and the fence at last.
 */

import type { CanonicalEvent } from '../../core/ir/document.ts';
import { encodeState } from '../../core/state/codec.ts';
import { applyEvents, compareSequence, emptyState } from '../../core/state/state.ts';
import { MINUTE } from '../../core/values/time.ts';
import { type Positions, WHOLE } from '../../engine/ports.ts';
import type { EncodedState, StateRow } from '../../engine/state-row.ts';
import type { Deployment } from './deployment.ts';
import type { Version } from './version.ts';
import type { World } from './world.ts';

/** ms that functions of the former code live on at most. */
const OLD_CODE_ENDS = 2 * MINUTE;
/** ms after which no function writes states of a retired version: here a zombie goes on for some minutes. */
const FORGOTTEN = 10 * MINUTE;
/** ms after which the job runs again when the archive does not reach far enough. */
const AGAIN = 30_000;

/** Runs the job until it is complete. @param archive_lag ms that records take to be archived */
export async function backfill(world: World, at: Deployment, next: Version, archive_lag: number): Promise<void> {
  while (!next.fenced) {
    const positions = (await beginAnew(world, next)) ? await settle(world, at, next, archive_lag) : null;
    if (positions && (await whileWriting(world, () => write(world, next, positions)))) await raiseFence(world, next);
    if (!next.fenced) await world.time.sleep(AGAIN);
  }
}

/** One request, that fails when the version was retired since. */
async function raiseFence(world: World, next: Version): Promise<void> {
  await call(world);
  if (next.retired_at !== null) return;
  next.fenced = true;
  world.note('backfill');
}

/** Deletes what a version left that was not kept up for a while. @returns false when functions may still write it */
async function beginAnew(world: World, next: Version): Promise<boolean> {
  const { retired_at } = next;
  if (retired_at === null) return true;
  if (world.now < retired_at + FORGOTTEN) return false;
  for (const entity of [...next.states.rows.keys()]) {
    if (world.fails(world.profile.crash)) return false;
    await call(world);
    next.states.rows.delete(entity);
  }
  await call(world);
  if (next.retired_at !== retired_at) return false;
  next.beginAnew();
  return true;
}

/**
 * Cuts the shards over that nothing comes from: once no function of the former code runs, behind all that is archived.
 * @returns shard → the first sequence number that is the stream's; null when it is too early, or the archive too short
 */
async function settle(world: World, at: Deployment, next: Version, lag: number): Promise<Positions | null> {
  if (next.retired_at !== null || world.now < next.announce() + OLD_CODE_ENDS) return null;
  const archived = archivedUpTo(world, lag);
  await call(world);
  for (const { watermarks } of at.current.states.rows.values()) {
    for (const [shard, watermark] of Object.entries(watermarks)) {
      const end = archived[shard];
      if (next.cutovers[shard] === undefined && (end === undefined || compareSequence(watermark, end) > 0)) return null;
    }
  }
  // A shard that begins later has no record from before the cutover.
  for (const { id } of world.stream.shards) {
    const end = archived[id];
    await call(world);
    if (next.retired_at !== null) return null;
    // One request: a function that has left something of the shard meanwhile makes its condition fail.
    if (next.cutovers[id] === undefined && compareSequence(next.left[id] ?? '0', end ?? '0') > 0) return null;
    next.cutovers[id] ??= end === undefined ? '0' : String(BigInt(end) + 1n);
  }
  await call(world);
  const positions = { ...next.cutovers };
  const reached = Object.entries(positions).every(
    ([shard, from]) => BigInt(archived[shard] ?? -1) >= BigInt(from) - 1n,
  );
  return reached ? positions : null;
}

/** An erasure waits for the job. */
async function whileWriting<T>(world: World, run: () => Promise<T>): Promise<T> {
  world.writing++;
  try {
    return await run();
  } finally {
    world.writing--;
  }
}

function archivedUpTo(world: World, lag: number): Record<string, string> {
  const last: Record<string, string> = {};
  for (const { id, records } of world.stream.shards) {
    const known = records.filter((record) => world.putAt(record) <= world.time.now - lag);
    if (known.length > 0) last[id] = known.at(-1)!.position.sequence_number;
  }
  return last;
}

/** @returns false when the job breaks off in the middle, to be run again */
async function write(world: World, next: Version, positions: Positions): Promise<boolean> {
  const begun = Object.entries(positions).filter(([, from]) => from !== '0');
  const before_cutover = Object.fromEntries(begun.map(([shard, from]) => [shard, String(BigInt(from) - 1n)] as const));
  for (const [entity, events] of archivedEvents(world, positions)) {
    if (world.fails(world.profile.crash)) return false;
    const inOrder = events.sort((a, b) => compareSequence(a.sequence_number, b.sequence_number));
    const { state } = applyEvents(next.plan, emptyState(next.plan), inOrder);
    const part = { bytes: encodeState(next.plan, state), watermarks: before_cutover };
    for (;;) {
      await call(world);
      const stored = next.states.rows.get(entity);
      await call(world);
      if (!put(next, entity, part, stored)) continue;
      if (next.states.rows.get(entity)!.base) world.note('backfill beside a begun state');
      break;
    }
  }
  return true;
}

/** Earliest copies of what lies before the positions, by entity. */
function archivedEvents(world: World, positions: Positions): Map<string, CanonicalEvent[]> {
  const copies = new Map<string, CanonicalEvent>();
  for (const { result } of world.parts) {
    if (!result.ok || result.misrouted) continue;
    const { event } = result;
    if (world.isErased(event.entity_id)) continue;
    const key = `${event.entity_id} ${event.event_id}`;
    const other = copies.get(key);
    if (!other || event.available_at < other.available_at) copies.set(key, event);
  }
  const byEntity = new Map<string, CanonicalEvent[]>();
  for (const event of copies.values()) {
    const from = positions[event.shard_id];
    if (from === undefined || compareSequence(event.sequence_number, from) >= 0) continue;
    byEntity.set(event.entity_id, [...(byEntity.get(event.entity_id) ?? []), event]);
  }
  return byEntity;
}

/** @returns false when another writer was faster */
function put(next: Version, entity: string, part: EncodedState, stored: StateRow | undefined): boolean {
  if (!stored) return next.states.putRow(entity, { ...part, flags: WHOLE }, null);
  // It has its part already: the job runs again.
  if (stored.flags.whole || stored.base) return true;
  return next.states.putRow(entity, { ...stored, base: part }, stored.revision);
}

/** A request of the job on its way. */
function call(world: World): Promise<void> {
  return world.time.sleep(1 + world.chance.int(200));
}
