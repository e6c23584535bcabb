/**
 * The tiles of one level of a state, newest first. Most batches touch the newest tile only, so the older ones stay the
 * bytes they came as until somebody looks at them: on a state of 60 tiles that is the larger part of an update's time.
 * Layout: core/codec.ts.
 */
import type { ByteReader, ByteWriter } from './bytes.ts';
import { ByteReader as Reader } from './bytes.ts';
import type { Level } from './view.ts';

/** A tile's cells, one per partial of its level; null where no event touched it. */
export interface Tile {
  /** First instant, ms UTC, a multiple of the level's hop; 0 for lifetime. */
  readonly start: number;
  readonly cells: readonly unknown[];
}

/** Tiles that are bytes still, all older than the ones that are read. */
interface Unread {
  readonly from: ByteReader;
  /** Where the whole level's block ends. */
  readonly end: number;
  count: number;
}

export class Tiles {
  private readonly level: Level;
  /** Newest first. Grows as more is read, which changes nothing that can be seen from outside. */
  private readonly read: Tile[];
  private readonly unread: Unread | null;
  private readonly oldest: number;

  private constructor(level: Level, read: Tile[], unread: Unread | null, oldest: number) {
    this.level = level;
    this.read = read;
    this.unread = unread;
    this.oldest = oldest;
  }

  static readonly none = (level: Level): Tiles => new Tiles(level, [], null, Number.POSITIVE_INFINITY);

  /** @param tiles newest first */
  static of(level: Level, tiles: readonly Tile[]): Tiles {
    return new Tiles(level, [...tiles], null, tiles.at(-1)?.start ?? Number.POSITIVE_INFINITY);
  }

  /** Reads the level's block; of its tiles only the newest. */
  static decode(level: Level, from: ByteReader): Tiles {
    const size = from.varint();
    if (size === 0) return Tiles.none(level);
    const end = from.skip(size) + size;
    const own = new Reader(from.bytes, end - size);
    const count = own.varint();
    const newest = level.hop_ms === 0 ? 0 : own.varint() * level.hop_ms;
    const oldest = level.hop_ms === 0 ? 0 : newest - own.varint() * level.hop_ms;
    const first = { start: newest, cells: readCells(level, own, newest) };
    return new Tiles(level, [first], { from: own, end, count: count - 1 }, oldest);
  }

  get count(): number {
    return this.read.length + (this.unread?.count ?? 0);
  }

  /** Every tile, newest first. */
  all(): readonly Tile[] {
    while (this.readOne());
    return this.read;
  }

  /** Tiles from the newest down to those that start at `from` or later; newest first. */
  since(from: number): readonly Tile[] {
    while ((this.read.at(-1)?.start ?? -1) >= from && this.readOne());
    const { read } = this;
    let end = read.length;
    while (end > 0 && read[end - 1]!.start < from) end--;
    return end === read.length ? read : read.slice(0, end);
  }

  /** The tile that starts at `start`. */
  at(start: number): Tile | undefined {
    while ((this.read.at(-1)?.start ?? Number.NEGATIVE_INFINITY) > start && this.readOne());
    return this.read.find((tile) => tile.start === start);
  }

  /**
   * @param changed start → new cells, or null for a tile that is empty now; each start was asked by `at`
   * @param reachable older tiles are dropped
   */
  with(changed: ReadonlyMap<number, readonly unknown[] | null>, reachable: number): Tiles {
    const prune = this.oldest < reachable;
    if (changed.size === 0 && !prune) return this;
    if (prune || this.dropsItsLast(changed)) this.all();
    const kept = this.read.filter((tile) => tile.start >= reachable && !changed.has(tile.start));
    for (const [start, cells] of changed) if (cells !== null && start >= reachable) kept.push({ start, cells });
    kept.sort((a, b) => b.start - a.start);
    const { unread } = this;
    if (!unread || unread.count === 0) return Tiles.of(this.level, kept);
    const rest = { from: new Reader(unread.from.bytes, unread.from.position), end: unread.end, count: unread.count };
    return new Tiles(this.level, kept, rest, this.oldest);
  }

  write(out: ByteWriter): void {
    const { level, read, unread } = this;
    const [newest] = read;
    if (!newest) {
      out.varint(0);
      return;
    }
    out.block(() => {
      out.varint(this.count);
      if (level.hop_ms > 0) {
        out.varint(newest.start / level.hop_ms);
        out.varint((newest.start - this.oldest) / level.hop_ms);
      }
      for (let i = 0; i < read.length; i++) {
        if (i > 0) out.varint((read[i - 1]!.start - read[i]!.start) / level.hop_ms);
        writeCells(level, out, read[i]!);
      }
      if (unread && unread.count > 0) out.raw(unread.from.bytes, unread.from.position, unread.end);
    });
  }

  /** What is unread counts its starts from the last tile that is read: that one has to stay. */
  private dropsItsLast(changed: ReadonlyMap<number, readonly unknown[] | null>): boolean {
    const last = this.read.at(-1);
    return last !== undefined && changed.get(last.start) === null;
  }

  private readOne(): boolean {
    const { unread, level, read } = this;
    if (!unread || unread.count === 0) return false;
    unread.count--;
    const start = read.at(-1)!.start - unread.from.varint() * level.hop_ms;
    read.push({ start, cells: readCells(level, unread.from, start) });
    return true;
  }
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
