/** The state of one entity in one feature view: tiles, watermarks and what is remembered of single events. Pure. */
import { INEXACT, valueFor } from '../aggregates/aggregation.ts';
import type { CanonicalEvent } from '../ir/document.ts';
import { formerIdHash, idHash } from '../values/hash.ts';
import { matches } from '../values/predicate.ts';
import { DAY, windowStart } from '../values/time.ts';
import { EMPTY_LEDGER, type Ledger, type LedgerEntry, OpenLedger } from './ledger.ts';
import type { Level, ViewPlan } from './plan.ts';
import { RecentIds } from './recent-ids.ts';
import { countFrom, type Tile, Tiles } from './tiles.ts';

export interface EntityState {
  /** ms UTC; -1 before the first event. */
  readonly newest_event_time: number;
  readonly newest_available_at: number;
  /** Shard → the highest sequence number applied: of this entity, every event of that record. */
  readonly watermarks: Readonly<Record<string, string>>;
  readonly recent: RecentIds;
  /** Whether there may be hashes of ids among `recent` and `ledger` that former code made (`formerIdHash`). */
  readonly former_ids: boolean;
  /** Empty for a view without retractions. */
  readonly ledger: Ledger;
  /**
   * One flag a partial of the view: true where a retracted event could not be taken out of a cell, which tells an older
   * truth until the healing. Empty: none.
   */
  readonly inexact: readonly boolean[];
  /** One per level of the plan. */
  readonly levels: readonly Tiles[];
}

export interface Applied {
  readonly state: EntityState;
  readonly applied: number;
  /** Seen before under another sequence number: a producer's retry. */
  readonly duplicates: readonly CanonicalEvent[];
  /** Behind the watermark: a redelivery. */
  readonly skipped: number;
}

export interface ApplyOptions {
  /**
   * For a reader of the past who may know later arrivals: events that arrived at or after this instant (ms) don't move
   * the state's clock beyond it. All events have to be before it by event time. @default - the present
   */
  readonly read_at?: number;
  /** Watermarks before the batch that these events are a part of: events of one record share a position. @default - the state's */
  readonly before?: Readonly<Record<string, string>>;
}

/** The shard of events that were loaded from files. */
export const HISTORY_SHARD = 'history';

export function emptyState(plan: ViewPlan): EntityState {
  return {
    newest_event_time: -1,
    newest_available_at: -1,
    watermarks: {},
    recent: RecentIds.none,
    former_ids: false,
    ledger: EMPTY_LEDGER,
    inexact: [],
    levels: plan.levels.map(Tiles.none),
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
export function applyEvents(
  plan: ViewPlan,
  state: EntityState,
  events: readonly CanonicalEvent[],
  { read_at = Number.POSITIVE_INFINITY, before = state.watermarks }: ApplyOptions = {},
): Applied {
  const watermarks: Record<string, string> = { ...state.watermarks };
  const ids: { available_at: number; hash: number }[] = [];
  // Of a hot entity's thousands a search through the list costs more than all the rest; of a few, a set does.
  const added = events.length > FEW ? new Set<number>() : null;
  const duplicates: CanonicalEvent[] = [];
  const tiles = plan.levels.map((level, l) => new OpenTiles(level, state.levels[l]!));
  const ledger = plan.ledger ? new OpenLedger(plan.ledger, state.ledger, state.former_ids) : null;
  const inexact = new Set<number>();
  let { newest_event_time, newest_available_at } = state;
  let skipped = 0;
  for (const event of events) {
    const watermark = watermarks[event.shard_id];
    if (watermark !== undefined && isBehind(event.sequence_number, watermark, before[event.shard_id])) {
      skipped++;
      continue;
    }
    watermarks[event.shard_id] = event.sequence_number;
    const hash = idHash(event.event_id);
    if ((added ? added.has(hash) : ids.some((id) => id.hash === hash)) || isKnown(state, event, hash)) {
      duplicates.push(event);
      continue;
    }
    const available_at = Math.min(event.available_at, read_at - 1);
    ids.push({ available_at, hash });
    added?.add(hash);
    if (event.event_time > newest_event_time) newest_event_time = event.event_time;
    if (available_at > newest_available_at) newest_available_at = available_at;
    if (!ledger) {
      count(plan, tiles, event);
      continue;
    }
    for (const effect of ledger.take(event, hash, available_at)) {
      if (effect.kind === 'count') count(plan, tiles, event);
      else if (effect.kind === 'undo') undo(plan, tiles, effect.entry, inexact);
      else if (effect.kind === 'unknown') flagAll(plan, effect.event_type, inexact);
    }
  }
  const closed = ledger?.close(newest_available_at);
  if (closed?.forgot) for (const type of plan.ledger!.types) flagAll(plan, type, inexact);
  return {
    state: {
      newest_event_time,
      newest_available_at,
      watermarks,
      recent: state.recent.with(ids, newest_available_at, plan.view.dedupe),
      former_ids: state.former_ids,
      ledger: closed?.ledger ?? EMPTY_LEDGER,
      inexact: inexactFlags(plan, state.inexact, inexact),
      levels: tiles.map((open, l) => open.close(oldestReachable(plan.levels[l]!, newest_available_at))),
    },
    applied: ids.length,
    duplicates,
    skipped,
  };
}

/**
 * Whether an event was applied before. The events of one record share its position and are applied in one write: at a watermark
 * that was there before, all of them are in; at one that this batch has set, the next one is new, too.
 */
function isBehind(sequence: string, watermark: string, before: string | undefined): boolean {
  const ahead = compareSequence(sequence, watermark);
  return ahead < 0 || (ahead === 0 && watermark === before);
}

function isKnown({ recent, former_ids }: EntityState, { event_id }: CanonicalEvent, hash: number): boolean {
  return recent.has(hash) || (former_ids && recent.has(formerIdHash(event_id)));
}

/** Events up to which a list is searched faster than a set is made. */
const FEW = 32;

/** The tiles of a level while a batch is applied; of each, the cells are copied once. */
export class OpenTiles {
  private readonly level: Level;
  private readonly tiles: Tiles;
  /** Newest first. */
  private changed: OpenTile[] = [];
  private last: OpenTile | null = null;

  constructor(level: Level, tiles: Tiles) {
    this.level = level;
    this.tiles = tiles;
  }

  /** The cells of the tile around an instant, to be changed in place. */
  around(event_time: number): unknown[] {
    const { last } = this;
    if (last !== null && event_time >= last.start && event_time < last.end) return last.cells;
    const { hop_ms } = this.level;
    const opened = this.open(hop_ms === 0 ? 0 : event_time - (event_time % hop_ms));
    this.last = opened;
    return opened.cells;
  }

  private open(start: number): OpenTile {
    const at = countFrom(this.changed, start);
    const open = this.changed[at - 1];
    if (open?.start === start) return open;
    const cells = this.tiles.cellsAt(start)?.slice() ?? new Array(this.level.partials.length).fill(null);
    const { hop_ms } = this.level;
    const tile = { start, end: hop_ms === 0 ? Number.POSITIVE_INFINITY : start + hop_ms, cells };
    if (this.changed.length === 0) this.changed = [tile];
    else this.changed.splice(at, 0, tile);
    return tile;
  }

  close(reachable: number): Tiles {
    return this.tiles.with(this.changed, reachable);
  }
}

interface OpenTile extends Tile {
  /** The first instant after it. */
  readonly end: number;
  readonly cells: unknown[];
}

/** Adds an event to every partial it touches. */
function count({ touched, levels }: ViewPlan, tiles: readonly OpenTiles[], event: CanonicalEvent): void {
  const places = touched.get(event.event_type);
  if (!places) return;
  for (let l = 0; l < places.length; l++) {
    for (const p of places[l]!) {
      const spec = levels[l]!.partials[p]!;
      const value = valueFor(spec.field, event.properties);
      if (value === null || !matches(spec.where, event.properties)) continue;
      const cells = tiles[l]!.around(event.event_time);
      cells[p] = spec.partial.add(cells[p] ?? null, value, event);
    }
  }
}

/** Takes an event out of every partial it touched; where that can't be told, the partial is flagged inexact. */
export function undo(plan: ViewPlan, tiles: readonly OpenTiles[], entry: LedgerEntry, inexact: Set<number>): void {
  plan.touched.get(entry.event_type)?.forEach((partials, l) => {
    for (const p of partials) {
      const spec = plan.levels[l]!.partials[p]!;
      const value = valueFor(spec.field, entry.properties);
      if (value === null || !matches(spec.where, entry.properties)) continue;
      const cells = tiles[l]!.around(entry.event_time);
      const cell = cells[p] ?? null;
      // A tile that no window reaches any more was dropped, and the event with it.
      if (cell === null) continue;
      const without = spec.partial.remove(cell, value, entry);
      if (without === INEXACT) inexact.add(plan.offsets[l]! + p);
      else cells[p] = without;
    }
  });
}

export function flagAll(plan: ViewPlan, event_type: string, inexact: Set<number>): void {
  plan.touched.get(event_type)?.forEach((partials, l) => {
    for (const p of partials) inexact.add(plan.offsets[l]! + p);
  });
}

export function inexactFlags(
  plan: ViewPlan,
  before: readonly boolean[],
  added: ReadonlySet<number>,
): readonly boolean[] {
  if (added.size === 0) return before;
  return Array.from({ length: plan.partials }, (_, i) => before[i] === true || added.has(i));
}

/** The earliest tile that a reader at any `t` after the newest arrival can need. */
export function oldestReachable(level: Level, newest_available_at: number): number {
  return level.hop_ms === 0 ? 0 : windowStart(newest_available_at + 1, level.retention_ms, level.hop_ms);
}

/** Features whose value may be out of date because an event was retracted that could not be taken out of its tile. */
export function inexactFeatures(plan: ViewPlan, state: EntityState): string[] {
  if (state.inexact.length === 0) return [];
  return plan.sources.flatMap((source) =>
    source && state.inexact[plan.offsets[source.level]! + source.partial] === true ? [source.feature.name] : [],
  );
}

/**
 * When the item may be collected as garbage, s since the epoch; null with lifetime features, whose values never end.
 * Readers never rely on it: they filter by time themselves.
 */
export function expiresAt(plan: ViewPlan, state: EntityState): number | null {
  const widest = Math.max(...plan.levels.map((level) => level.retention_ms));
  return Number.isFinite(widest) ? Math.ceil((state.newest_available_at + widest + 2 * DAY) / 1000) : null;
}
