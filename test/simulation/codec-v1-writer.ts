/** States as the first release wrote them (its reader is core/state/codec-v1.ts), and as it read them: not those of later code. */

import { decodeState } from '../../core/state/codec.ts';
import type { Level, ViewPlan } from '../../core/state/plan.ts';
import type { EntityState } from '../../core/state/state.ts';
import type { Tile } from '../../core/state/tiles.ts';
import { ByteWriter, CodecError } from '../../core/values/bytes.ts';
import { hash53, idHash } from '../../core/values/hash.ts';
import type { StateCodec } from '../../engine/memory/states.ts';

export const CODEC_V1: StateCodec = {
  encode: (plan, state) => {
    const out = new ByteWriter();
    out.byte(1);
    out.varint(state.newest_event_time);
    out.varint(state.newest_available_at);
    writeRecent(out, state);
    plan.levels.forEach((level, l) => {
      writeLevel(out, level, [...state.levels[l]!.all()].reverse());
    });
    return out.finish();
  },
  decode: (plan: ViewPlan, bytes, watermarks) => {
    if (bytes[0] !== 1) throw new CodecError(`codec version: found ${bytes[0]}; allowed: 1`);
    return decodeState(plan, bytes, watermarks);
  },
};

function writeRecent(out: ByteWriter, { recent, newest_available_at }: EntityState): void {
  const ids = recent.list().reverse();
  out.varint(ids.length);
  ids.forEach((id, i) => {
    const before = ids[i - 1];
    out.varint(before ? id.available_at - before.available_at : newest_available_at - id.available_at);
    out.hash(id.hash < 0 ? -1 - id.hash : formerOf(id.hash));
  });
}

const FORMER = new Map<number, number>();
for (let entity = 0; entity < 4; entity++) {
  for (let i = 0; i < 40; i++) {
    const id = `thing-${entity}-e${i}`;
    FORMER.set(idHash(id), hash53(id));
  }
}

/** What that release remembered of an id of this simulation. */
function formerOf(hash: number): number {
  const former = FORMER.get(hash);
  if (former === undefined) throw new Error('found an id that no producer of the simulation sends');
  return former;
}

/** @param tiles oldest first */
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
