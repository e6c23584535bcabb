/**
 * Reads states of codec version 1, as the first release wrote them: tiles oldest first, one column a partial, recent ids
 * ascending, no retractions. The next write makes the current version of them.
 */
import type { ByteReader } from '../values/bytes.ts';
import { formerId } from '../values/hash.ts';
import { EMPTY_LEDGER } from './ledger.ts';
import type { Level, ViewPlan } from './plan.ts';
import { newestFirst, type RecentId, RecentIds } from './recent-ids.ts';
import type { EntityState } from './state.ts';
import { Tiles } from './tiles.ts';

/** @param from after the version byte */
export function readVersion1(plan: ViewPlan, from: ByteReader, watermarks: EntityState['watermarks']): EntityState {
  const newest_event_time = from.varint();
  const newest_available_at = from.varint();
  const recent = RecentIds.of(readRecent(from, newest_available_at).sort(newestFirst));
  const levels = plan.levels.map((level) => readLevel(from, level));
  // What came before is in no ledger: its retraction has to be healed.
  const ledger = plan.ledger ? { ...EMPTY_LEDGER, evicted: true } : EMPTY_LEDGER;
  const former_ids = true;
  return { newest_event_time, newest_available_at, watermarks, recent, former_ids, ledger, inexact: [], levels };
}

function readRecent(from: ByteReader, newest_available_at: number): RecentId[] {
  let available_at = 0;
  return Array.from({ length: from.varint() }, (_, i) => {
    const difference = from.varint();
    available_at = i === 0 ? newest_available_at - difference : available_at + difference;
    return { available_at, hash: formerId(from.hash()) };
  });
}

function readLevel(from: ByteReader, level: Level): Tiles {
  const count = from.varint();
  if (count === 0) return Tiles.none(level);
  let start = 0;
  const starts = Array.from({ length: count }, () => {
    if (level.hop_ms > 0) start += from.varint() * level.hop_ms;
    return start;
  });
  const cells: unknown[][] = starts.map(() => []);
  for (const spec of level.partials) {
    from.bitmap(count).forEach((present, i) => {
      cells[i]!.push(present ? spec.partial.read(from, starts[i]!) : null);
    });
  }
  return Tiles.of(level, starts.map((tileStart, i) => ({ start: tileStart, cells: cells[i]! })).reverse());
}
