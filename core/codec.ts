/**
 * State codec, version 1. The same bytes come from glue-scripts/tidemark_spark/codec.py; the cases in
 * test/conformance/codec hold both to it.
 *
 *   byte     codec version (1)
 *   varint   newest_event_time (ms)
 *   varint   newest_available_at (ms)
 *   varint   number of recent ids; for each, ascending by (available_at, hash):
 *              varint  the first: newest_available_at - available_at; the others: available_at - the previous one
 *              7 bytes hash53 of the event id, lowest byte first
 *   for each level of the view's plan (ascending hop, lifetime last):
 *     varint number of tiles
 *     unless lifetime: for each tile varint start / hop, then the difference to the previous one, in hops
 *     for each partial of the level (in the order of the features that first need it), when there are tiles:
 *       bitmap which tiles have a cell (lowest bit first)
 *       the cells that are there, in tile order:
 *         count            varint n
 *         sum              varint n, signed sum
 *         min, max         signed value
 *         time_min, _max   varint time - tile start
 *         first, last      varint event_time - tile start, varint available_at - event_time, text event_id, scalar value
 *         distinct         byte 1 and 7 bytes theta, or byte 0; varint n; n hashes of 7 bytes, ascending
 *
 * varint, signed, text (varint length, UTF-8), scalar and bitmap: core/bytes.ts. Watermarks stand beside the bytes, in
 * the item's own attribute, so that people and Spark can read them.
 */
import { ByteReader, ByteWriter, CodecError } from './bytes.ts';
import type { EntityState, RecentId, Tile } from './state.ts';
import type { Level, ViewPlan } from './view.ts';

export const CODEC_VERSION = 1;

/** @param state at least one event applied. */
export function encodeState(plan: ViewPlan, state: EntityState): Uint8Array {
  const out = new ByteWriter();
  out.byte(CODEC_VERSION);
  out.varint(state.newest_event_time);
  out.varint(state.newest_available_at);
  out.varint(state.recent.length);
  state.recent.forEach((id, i) => {
    const before = state.recent[i - 1];
    out.varint(before ? id.available_at - before.available_at : state.newest_available_at - id.available_at);
    out.hash(id.hash);
  });
  plan.levels.forEach((level, l) => {
    writeLevel(out, level, state.levels[l]!);
  });
  return out.finish();
}

function writeLevel(out: ByteWriter, level: Level, tiles: readonly Tile[]): void {
  out.varint(tiles.length);
  if (tiles.length === 0) return;
  if (level.hop_ms > 0) {
    tiles.forEach((tile, i) => {
      out.varint((tile.start - (tiles[i - 1]?.start ?? 0)) / level.hop_ms);
    });
  }
  level.partials.forEach((spec, p) => {
    out.bitmap(tiles.map((tile) => tile.cells[p] !== null));
    for (const tile of tiles) if (tile.cells[p] !== null) spec.partial.write(out, tile.cells[p], tile.start);
  });
}

/**
 * @param watermarks the item's own attribute
 * @throws CodecError on damaged bytes and on a version that this code doesn't know
 */
export function decodeState(
  plan: ViewPlan,
  bytes: Uint8Array,
  watermarks: Readonly<Record<string, string>>,
): EntityState {
  const from = new ByteReader(bytes);
  const version = from.byte();
  if (version !== CODEC_VERSION) {
    throw new CodecError(`codec version: found ${version}; allowed: ${CODEC_VERSION}; deploy the code that wrote it`);
  }
  const newest_event_time = from.varint();
  const newest_available_at = from.varint();
  const recent = readRecent(from, newest_available_at);
  const levels = plan.levels.map((level) => readLevel(from, level));
  if (!from.done) throw new CodecError('found bytes after the last level; the state was written for another view');
  return { newest_event_time, newest_available_at, watermarks, recent, levels };
}

function readRecent(from: ByteReader, newest_available_at: number): RecentId[] {
  let available_at = 0;
  return Array.from({ length: from.varint() }, (_, i) => {
    const difference = from.varint();
    available_at = i === 0 ? newest_available_at - difference : available_at + difference;
    return { available_at, hash: from.hash() };
  });
}

function readLevel(from: ByteReader, level: Level): Tile[] {
  const count = from.varint();
  if (count === 0) return [];
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
  return starts.map((tileStart, i) => ({ start: tileStart, cells: cells[i]! }));
}
