/**
 * The tiles of one level of a state, newest first. Most batches touch the newest tile only, or open a newer one, so the
 * others stay the bytes they came as until somebody looks at them. Layout: core/state/codec.ts.
 */
import { ByteReader, type ByteWriter } from '../values/bytes.ts';
import type { Level } from './plan.ts';

/** A tile's cells, one per partial of its level; null where no event touched it. */
export interface Tile {
  /** First instant, ms UTC, a multiple of the level's hop; 0 for lifetime. */
  readonly start: number;
  readonly cells: readonly unknown[];
}

/** Of tiles, newest first, how many start at `from` or later. */
export function countFrom(tiles: readonly Tile[], from: number): number {
  let low = 0;
  for (let high = tiles.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (tiles[middle]!.start >= from) low = middle + 1;
    else high = middle;
  }
  return low;
}

const NEVER = Number.NEGATIVE_INFINITY;

export class Tiles {
  private readonly level: Level;
  /** Newest first. Grows as more is read, which changes nothing that can be seen from outside. */
  private readonly read: Tile[];
  /** What is bytes still: `unread` tiles in bytes[at … end), all older than those that are read. */
  private readonly bytes: Uint8Array;
  private at: number;
  private readonly end: number;
  private unread: number;
  /** Start of the first unread tile where its bytes don't say it: it was the newest of all when they were written. */
  private unreadStart: number;
  private readonly oldest: number;

  private constructor(
    level: Level,
    read: Tile[],
    oldest: number,
    bytes: Uint8Array = NOTHING,
    at = 0,
    end = 0,
    unread = 0,
    unreadStart = NEVER,
  ) {
    this.level = level;
    this.read = read;
    this.oldest = oldest;
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.unread = unread;
    this.unreadStart = unreadStart;
  }

  static none(level: Level): Tiles {
    return new Tiles(level, [], Number.POSITIVE_INFINITY);
  }

  /** @param tiles newest first */
  static of(level: Level, tiles: readonly Tile[]): Tiles {
    return new Tiles(level, [...tiles], tiles.at(-1)?.start ?? Number.POSITIVE_INFINITY);
  }

  /** Takes the level's block, and reads none of its tiles yet. */
  static decode(level: Level, from: ByteReader): Tiles {
    const size = from.varint();
    if (size === 0) return Tiles.none(level);
    const end = from.position + size;
    const count = from.varint();
    const newest = level.hop_ms === 0 ? 0 : from.varint() * level.hop_ms;
    const oldest = level.hop_ms === 0 ? 0 : newest - from.varint() * level.hop_ms;
    const at = from.position;
    from.skip(end - at);
    return new Tiles(level, [], oldest, from.bytes, at, end, count, newest);
  }

  get count(): number {
    return this.read.length + this.unread;
  }

  /** Every tile, newest first. */
  all(): readonly Tile[] {
    this.readWhile(NEVER);
    return this.read;
  }

  /** What is read already, newest first: at least as many as `countSince` last said. */
  get newest(): readonly Tile[] {
    return this.read;
  }

  /** How many tiles start at `from` or later: the first ones of `newest`. */
  countSince(from: number): number {
    this.readWhile(from);
    return countFrom(this.read, from);
  }

  /** The cells of the tile that starts at `start`. */
  cellsAt(start: number): readonly unknown[] | undefined {
    this.readWhile(start);
    const { read } = this;
    for (let i = read.length - 1; i >= 0; i--) {
      const tile = read[i]!;
      if (tile.start === start) return tile.cells;
      if (tile.start > start) return undefined;
    }
    return undefined;
  }

  /**
   * @param changed newest first, of starts that `cellsAt` was asked for; all cells null for a tile that is empty now
   * @param reachable older tiles are dropped
   */
  with(changed: readonly Tile[], reachable: number): Tiles {
    const prune = this.oldest < reachable;
    if (changed.length === 0 && !prune) return this;
    // What is unread counts its starts from the tile before it: that one has to stay.
    const last = this.read.at(-1);
    if (prune) this.readWhile(reachable);
    else if (last && changed.some(({ start, cells }) => start === last.start && isEmpty(cells))) this.readWhile(NEVER);
    const kept = united(this.read, changed, reachable);
    if (prune || this.unread === 0) return new Tiles(this.level, kept, kept.at(-1)?.start ?? Number.POSITIVE_INFINITY);
    return new Tiles(this.level, kept, this.oldest, this.bytes, this.at, this.end, this.unread, this.unreadStart);
  }

  write(out: ByteWriter): void {
    const { level, read, unread, unreadStart } = this;
    const newest = read[0]?.start ?? unreadStart;
    if (newest === NEVER) {
      out.varint(0);
      return;
    }
    const block = out.openBlock();
    out.varint(this.count);
    if (level.hop_ms > 0) {
      out.varint(newest / level.hop_ms);
      out.varint((newest - this.oldest) / level.hop_ms);
    }
    for (let i = 0; i < read.length; i++) {
      if (i > 0) out.varint((read[i - 1]!.start - read[i]!.start) / level.hop_ms);
      writeCells(level, out, read[i]!);
    }
    if (unread > 0) {
      const before = read.at(-1);
      if (before && unreadStart !== NEVER) out.varint((before.start - unreadStart) / level.hop_ms);
      out.raw(this.bytes, this.at, this.end);
    }
    out.closeBlock(block);
  }

  /** Reads on until a tile before `from` is read, or all are. */
  private readWhile(from: number): void {
    if (this.unread === 0) return;
    const { level, read } = this;
    const reader = new ByteReader(this.bytes, this.at);
    let before = read.length > 0 ? read[read.length - 1]!.start : NEVER;
    for (; this.unread > 0; this.unread--) {
      const known = this.unreadStart;
      if (known === NEVER ? before <= from && before !== NEVER : known < from) break;
      const start = known === NEVER ? before - reader.varint() * level.hop_ms : known;
      read.push({ start, cells: readCells(level, reader, start) });
      this.at = reader.position;
      this.unreadStart = NEVER;
      before = start;
    }
  }
}

const NOTHING = new Uint8Array(0);

/** Both newest first, as is what comes out; where both have a tile it is the changed one. */
function united(tiles: readonly Tile[], changed: readonly Tile[], reachable: number): Tile[] {
  const kept: Tile[] = new Array(tiles.length + changed.length);
  let size = 0;
  for (let t = 0, c = 0; t < tiles.length || c < changed.length; ) {
    const [stored, fresh] = [tiles[t], changed[c]];
    const isFresh = fresh !== undefined && (stored === undefined || fresh.start >= stored.start);
    if (!isFresh || stored?.start === fresh.start) t++;
    if (isFresh) c++;
    const tile = isFresh ? fresh : stored!;
    if (tile.start >= reachable && !(isFresh && isEmpty(tile.cells))) kept[size++] = tile;
  }
  kept.length = size;
  return kept;
}

function isEmpty(cells: readonly unknown[]): boolean {
  for (const cell of cells) if (cell !== null) return false;
  return true;
}

function readCells({ partials }: Level, from: ByteReader, start: number): unknown[] {
  const cells: unknown[] = new Array(partials.length);
  const bitmap = from.skip((partials.length + 7) >> 3);
  for (let p = 0; p < partials.length; p++) {
    const present = (from.bytes[bitmap + (p >> 3)]! >> (p & 7)) & 1;
    cells[p] = present === 1 ? partials[p]!.partial.read(from, start) : null;
  }
  return cells;
}

function writeCells({ partials }: Level, out: ByteWriter, { start, cells }: Tile): void {
  for (let p = 0; p < partials.length; p += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8 && p + bit < partials.length; bit++) if (cells[p + bit] !== null) byte |= 1 << bit;
    out.byte(byte);
  }
  for (let p = 0; p < partials.length; p++) if (cells[p] !== null) partials[p]!.partial.write(out, cells[p], start);
}
