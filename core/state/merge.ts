/**
 * Two states of one entity that hold different events, as one. A new view version starts with a state of what came since
 * its cutover; the backfill brings the state of all before. Pure.
 */
import { type Ledger, type LedgerEntry, type LedgerPlan, OpenLedger, targetHash } from './ledger.ts';
import type { Level, ViewPlan } from './plan.ts';
import { RecentIds } from './recent-ids.ts';
import {
  compareSequence,
  type EntityState,
  emptyState,
  flagAll,
  inexactFlags,
  OpenTiles,
  oldestReachable,
  undo,
} from './state.ts';
import type { Tiles } from './tiles.ts';

export interface Merged {
  readonly state: EntityState;
  /** Event ids that both sides counted: a producer's copies. The state holds them twice, so it needs healing. */
  readonly twice: number;
}

export interface MergeOptions {
  /** Whether `delta` was made by `seedState`, so that an id in both is no copy. @default false */
  readonly seeded?: boolean;
}

/**
 * The state that all events of both would have made: the same bytes where nothing is inexact. Commutative, associative,
 * and `emptyState` is its identity.
 * @param base and @param delta share no event (shard and sequence number)
 * @throws InexactSumError when a sum leaves the exact range
 */
export function mergeStates(
  plan: ViewPlan,
  base: EntityState,
  delta: EntityState,
  { seeded = false }: MergeOptions = {},
): Merged {
  const newest_available_at = Math.max(base.newest_available_at, delta.newest_available_at);
  const { recent, twice } = mergeRecent(plan, base.recent, delta.recent, newest_available_at, seeded);
  const inexact = new Set<number>();
  const reachable = plan.levels.map((level) => oldestReachable(level, newest_available_at));
  let levels = plan.levels.map((level, l) => mergeTiles(level, base.levels[l]!, delta.levels[l]!, reachable[l]!));
  const former_ids = base.former_ids || delta.former_ids;
  let ledger = base.ledger;
  if (plan.ledger) {
    const met = mergeLedgers(plan.ledger, base.ledger, delta.ledger, newest_available_at, former_ids);
    ledger = met.ledger;
    const tiles = plan.levels.map((level, l) => new OpenTiles(level, levels[l]!));
    for (const entry of met.cancelled) undo(plan, tiles, entry, inexact);
    if (met.unsure) for (const type of plan.ledger.types) flagAll(plan, type, inexact);
    levels = tiles.map((open, l) => open.close(reachable[l]!));
  }
  const watermarks = highestPositions(base.watermarks, delta.watermarks);
  const newest_event_time = Math.max(base.newest_event_time, delta.newest_event_time);
  const state = { newest_event_time, newest_available_at, watermarks, recent, former_ids, ledger, levels };
  const flags =
    delta.inexact.length === 0 ? base.inexact : delta.inexact.map((flag, i) => flag || base.inexact[i] === true);
  return { state: { ...state, inexact: inexactFlags(plan, flags, inexact) }, twice };
}

/**
 * An empty state that knows which events another version of its view has counted, so that a producer's copy of one of
 * them is seen as such. @param other may have applied no event that the new state still has to apply
 */
export function seedState(plan: ViewPlan, other: EntityState): EntityState {
  const { horizon_ms, cap } = plan.view.dedupe;
  const from = other.newest_available_at - horizon_ms;
  const known = other.recent.list().filter((id) => id.available_at >= from);
  return {
    ...emptyState(plan),
    // It may be stored before it has applied an event of its own. Both times are the merged state's at the latest.
    newest_event_time: other.newest_event_time,
    newest_available_at: other.newest_available_at,
    recent: RecentIds.of(known.slice(0, cap)),
    former_ids: other.former_ids,
  };
}

function mergeRecent(plan: ViewPlan, base: RecentIds, delta: RecentIds, newest: number, seeded: boolean) {
  const known = new Map(base.list().map((id) => [id.hash, id.available_at]));
  const added = [];
  let twice = 0;
  for (const id of delta.list()) {
    const other = known.get(id.hash);
    if (other === undefined) added.push(id);
    else if (!seeded || other !== id.available_at) {
      twice++;
      if (id.available_at < other) known.set(id.hash, id.available_at);
    }
  }
  const ids = twice > 0 ? [...known].map(([hash, available_at]) => ({ available_at, hash })).concat(added) : added;
  return { recent: (twice > 0 ? RecentIds.none : base).with(ids, newest, plan.view.dedupe), twice };
}

/** Whether a retraction may wait for an event that is there under the hash of another codec version. */
function areMixed({ entries, pending }: Pick<Ledger, 'entries' | 'pending'>): boolean {
  return pending.some((one) => entries.some(({ hash }) => hash < 0 !== one.hash < 0));
}

function mergeTiles(level: Level, base: Tiles, delta: Tiles, reachable: number): Tiles {
  const reached = delta.countSince(reachable);
  const changed = delta.newest.slice(0, reached).map(({ start, cells }) => {
    const other = base.cellsAt(start);
    return { start, cells: other ? other.map((cell, p) => mergeCells(level, p, cell, cells[p] ?? null)) : cells };
  });
  return base.with(changed, reachable);
}

function mergeCells({ partials }: Level, p: number, a: unknown, b: unknown): unknown {
  return a === null ? b : b === null ? a : partials[p]!.partial.merge(a, b);
}

/**
 * @returns the ledger of both; the events counted on one side that the other retracts; and `unsure` where a retraction
 * may mean an event that is forgotten
 */
function mergeLedgers(
  plan: LedgerPlan,
  base: Ledger,
  delta: Ledger,
  newest_available_at: number,
  former_ids: boolean,
): { ledger: Ledger; cancelled: LedgerEntry[]; unsure: boolean } {
  const entries = new Map<number, LedgerEntry>();
  for (const entry of [...base.entries, ...delta.entries]) {
    const copy = entries.get(entry.hash);
    const first = copy && copy.available_at <= entry.available_at ? copy : entry;
    entries.set(entry.hash, copy ? { ...first, cancelled: copy.cancelled || entry.cancelled } : entry);
  }
  const pending = new Map(base.pending.map((one) => [one.hash, one]));
  for (const one of delta.pending) {
    const other = pending.get(one.hash);
    if (!other || other.available_at < one.available_at) pending.set(one.hash, one);
  }
  const cancelled: LedgerEntry[] = [];
  for (const entry of entries.values()) {
    if (!pending.delete(targetHash(entry.event_type, entry.hash)) || entry.cancelled) continue;
    cancelled.push(entry);
    entries.set(entry.hash, { ...entry, cancelled: true });
  }
  const waits = (ledger: Ledger) => ledger.pending.some(({ hash }) => pending.has(hash));
  const unknown = (base.evicted && waits(delta)) || (delta.evicted && waits(base));
  const both = { entries: [...entries.values()], pending: [...pending.values()] };
  const open = new OpenLedger(plan, { ...both, evicted: base.evicted || delta.evicted }, former_ids);
  const { ledger, forgot } = open.close(newest_available_at);
  return { ledger, cancelled, unsure: unknown || forgot || (former_ids && areMixed(both)) };
}

/** Of each shard the higher position. */
export function highestPositions(
  some: Readonly<Record<string, string>>,
  others: Readonly<Record<string, string>>,
): Record<string, string> {
  const highest = { ...some };
  for (const [shard, position] of Object.entries(others)) {
    const other = highest[shard];
    if (other === undefined || compareSequence(other, position) < 0) highest[shard] = position;
  }
  return highest;
}
