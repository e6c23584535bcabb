/** The state of one entity in one feature view: tiles, watermarks and the ids seen lately. Everything here is pure. */
import { hash53 } from './hash.ts';
import type { CanonicalEvent } from './ir.ts';
import { valueFor } from './partials.ts';
import { matches } from './predicate.ts';
import { DAY, windowStart } from './time.ts';
import type { Level, ViewPlan } from './view.ts';

/** A tile's cells, one per partial of its level; null where no event touched it. */
export interface Tile {
  /** First instant, ms UTC, a multiple of the level's hop; 0 for lifetime. */
  readonly start: number;
  readonly cells: readonly unknown[];
}

export interface RecentId {
  readonly available_at: number;
  /** hash53 of the event id. */
  readonly hash: number;
}

export interface EntityState {
  /** ms UTC; -1 before the first event. */
  readonly newest_event_time: number;
  readonly newest_available_at: number;
  /** Shard → the highest sequence number applied. */
  readonly watermarks: Readonly<Record<string, string>>;
  /** Ascending by (available_at, hash). */
  readonly recent: readonly RecentId[];
  /** One list per level of the plan, ascending by start. */
  readonly levels: readonly (readonly Tile[])[];
}

export interface Applied {
  readonly state: EntityState;
  readonly applied: number;
  /** Seen before under another sequence number: a producer's retry. */
  readonly duplicates: readonly CanonicalEvent[];
  /** Behind the watermark: a redelivery. */
  readonly skipped: number;
}

export function emptyState(plan: ViewPlan): EntityState {
  return {
    newest_event_time: -1,
    newest_available_at: -1,
    watermarks: {},
    recent: [],
    levels: plan.levels.map(() => []),
  };
}

/** Kinesis sequence numbers are decimal texts of any length: compares them as numbers. */
export function compareSequence(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Applies events of one entity, in the order they were read from their shards. Exactly once: what is behind the
 * watermark is skipped, an id seen within the horizon is a duplicate. The order between shards doesn't matter.
 * @throws InexactSumError when a sum leaves the exact range
 */
export function applyEvents(plan: ViewPlan, state: EntityState, events: readonly CanonicalEvent[]): Applied {
  const watermarks: Record<string, string> = { ...state.watermarks };
  const seen = new Set(state.recent.map((id) => id.hash));
  const fresh: CanonicalEvent[] = [];
  const duplicates: CanonicalEvent[] = [];
  const recent = [...state.recent];
  let { newest_event_time, newest_available_at } = state;
  let skipped = 0;
  for (const event of events) {
    const mark = watermarks[event.shard_id];
    if (mark !== undefined && compareSequence(event.sequence_number, mark) <= 0) {
      skipped++;
      continue;
    }
    watermarks[event.shard_id] = event.sequence_number;
    const hash = hash53(event.event_id);
    if (seen.has(hash)) {
      duplicates.push(event);
      continue;
    }
    seen.add(hash);
    recent.push({ available_at: event.available_at, hash });
    fresh.push(event);
    newest_event_time = Math.max(newest_event_time, event.event_time);
    newest_available_at = Math.max(newest_available_at, event.available_at);
  }
  const levels = plan.levels.map((level, l) => advance(plan, level, l, state.levels[l]!, fresh, newest_available_at));
  return {
    state: {
      newest_event_time,
      newest_available_at,
      watermarks,
      recent: pruneRecent(plan, recent, newest_available_at),
      levels,
    },
    applied: fresh.length,
    duplicates,
    skipped,
  };
}

/** Merges events into the tiles of one level and drops the tiles no later window can reach. */
function advance(
  plan: ViewPlan,
  level: Level,
  index: number,
  tiles: readonly Tile[],
  events: readonly CanonicalEvent[],
  newest_available_at: number,
): readonly Tile[] {
  const byStart = new Map<number, unknown[]>();
  for (const event of events) {
    const start = level.hop_ms === 0 ? 0 : event.event_time - (event.event_time % level.hop_ms);
    for (const [l, p] of plan.touched.get(event.event_type) ?? []) {
      if (l !== index) continue;
      const spec = level.partials[p]!;
      const value = valueFor(spec.field, event.properties);
      if (value === null || !matches(spec.where, event.properties)) continue;
      let cells = byStart.get(start);
      if (!cells) {
        const stored = tiles.find((tile) => tile.start === start);
        cells = stored ? [...stored.cells] : level.partials.map(() => null);
        byStart.set(start, cells);
      }
      const cell = spec.partial.of(value, event);
      cells[p] = cells[p] === null ? cell : spec.partial.merge(cells[p], cell);
    }
  }
  const oldest = oldestReachable(level, newest_available_at);
  const kept = tiles.filter((tile) => tile.start >= oldest && !byStart.has(tile.start));
  const changed = [...byStart].filter(([start]) => start >= oldest).map(([start, cells]) => ({ start, cells }));
  if (changed.length === 0 && kept.length === tiles.length) return tiles;
  return [...kept, ...changed].sort((a, b) => a.start - b.start);
}

/** The earliest tile that a reader at any `t` after the newest arrival can need. */
function oldestReachable(level: Level, newest_available_at: number): number {
  return level.hop_ms === 0 ? 0 : windowStart(newest_available_at + 1, level.retention_ms, level.hop_ms);
}

/** Ids within the horizon, at most `cap`, the newest by (available_at, hash): the same set in any order of arrival. */
function pruneRecent(plan: ViewPlan, recent: readonly RecentId[], newest_available_at: number): readonly RecentId[] {
  const { horizon_ms, cap } = plan.view.dedupe;
  return recent
    .filter((id) => id.available_at >= newest_available_at - horizon_ms)
    .sort((a, b) => a.available_at - b.available_at || a.hash - b.hash)
    .slice(-cap);
}

/**
 * When the item may be collected as garbage, s since the epoch; null with lifetime features, whose values never end.
 * Readers never rely on it: they filter by time themselves.
 */
export function expiresAt(plan: ViewPlan, state: EntityState): number | null {
  const widest = Math.max(...plan.levels.map((level) => level.retention_ms));
  return Number.isFinite(widest) ? Math.ceil((state.newest_available_at + widest + 2 * DAY) / 1000) : null;
}
