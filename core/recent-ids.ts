/**
 * The event ids that a state has seen lately, newest first by (available_at, hash). They are looked up and added to as
 * bytes: a set of 256 ids made for each update costs more than all of its arithmetic.
 */
import { type ByteReader, ByteWriter } from './bytes.ts';
import type { RememberedIR } from './ir.ts';

export interface RecentId {
  readonly available_at: number;
  /** hash53 of the event id. */
  readonly hash: number;
}

const HASH_BYTES = 7;
const NOTHING = new Uint8Array(0);
const scratch = new ByteWriter();

export class RecentIds {
  readonly size: number;
  /** available_at of the newest and of the oldest. */
  private readonly newest: number;
  private readonly oldest: number;
  /** `size` hashes, newest first. */
  private readonly hashes: Uint8Array;
  /** Varints: available_at of each id less that of the next older one. */
  private readonly gaps: Uint8Array;

  private constructor(size: number, newest: number, oldest: number, hashes: Uint8Array, gaps: Uint8Array) {
    this.size = size;
    this.newest = newest;
    this.oldest = oldest;
    this.hashes = hashes;
    this.gaps = gaps;
  }

  static readonly none = new RecentIds(0, -1, -1, NOTHING, NOTHING);

  /** @param ids newest first */
  static of(ids: readonly RecentId[]): RecentIds {
    const [first, last] = [ids[0], ids.at(-1)];
    if (!first || !last) return RecentIds.none;
    scratch.reset();
    for (const id of ids) scratch.hash(id.hash);
    const hashes = scratch.finish();
    scratch.reset();
    for (let i = 1; i < ids.length; i++) scratch.varint(ids[i - 1]!.available_at - ids[i]!.available_at);
    return new RecentIds(ids.length, first.available_at, last.available_at, hashes, scratch.finish());
  }

  static decode(from: ByteReader, newest_available_at: number): RecentIds {
    const size = from.varint();
    if (size === 0) return RecentIds.none;
    const newest = newest_available_at - from.varint();
    const oldest = newest - from.varint();
    const hashes = from.skip(size * HASH_BYTES);
    const length = from.varint();
    const gaps = from.skip(length);
    return new RecentIds(
      size,
      newest,
      oldest,
      from.bytes.subarray(hashes, hashes + size * HASH_BYTES),
      from.bytes.subarray(gaps, gaps + length),
    );
  }

  write(out: ByteWriter, newest_available_at: number): void {
    out.varint(this.size);
    if (this.size === 0) return;
    out.varint(newest_available_at - this.newest);
    out.varint(this.newest - this.oldest);
    out.raw(this.hashes);
    out.varint(this.gaps.length);
    out.raw(this.gaps);
  }

  has(hash: number): boolean {
    const { hashes } = this;
    const low = hash >>> 0;
    const high = Math.floor(hash / 2 ** 32);
    for (let i = 0; i < hashes.length; i += HASH_BYTES) {
      if (
        hashes[i] === (low & 0xff) &&
        hashes[i + 1] === ((low >>> 8) & 0xff) &&
        hashes[i + 2] === ((low >>> 16) & 0xff) &&
        hashes[i + 3] === low >>> 24 &&
        hashes[i + 4] === (high & 0xff) &&
        hashes[i + 5] === ((high >>> 8) & 0xff) &&
        hashes[i + 6] === high >>> 16
      ) {
        return true;
      }
    }
    return false;
  }

  /** Newest first. */
  list(): RecentId[] {
    const reader = new RecentReader(this.hashes, this.gaps);
    let available_at = this.newest;
    return Array.from({ length: this.size }, (_, i) => {
      if (i > 0) available_at -= reader.gap();
      return { available_at, hash: reader.hash() };
    });
  }

  /**
   * With more ids; of all of them those within the horizon, at most `cap`, the newest by (available_at, hash): the same
   * set in any order of arrival.
   */
  with(added: readonly RecentId[], newest_available_at: number, { horizon_ms, cap }: RememberedIR): RecentIds {
    const from = newest_available_at - horizon_ms;
    const fresh = added.length > 1 ? [...added].sort(newestFirst) : added;
    const last = fresh.at(-1);
    // Only ids that are all newer than what is there can be put in front as bytes.
    if (!last || last.available_at <= this.newest || fresh.length >= cap || last.available_at < from) {
      if (!last && this.oldest >= from) return this;
      return RecentIds.of(
        [...this.list(), ...fresh]
          .filter((id) => id.available_at >= from)
          .sort(newestFirst)
          .slice(0, cap),
      );
    }
    return this.inFront(fresh, last).trimmed(from, cap);
  }

  private inFront(fresh: readonly RecentId[], last: RecentId): RecentIds {
    const front = RecentIds.of(fresh);
    if (this.size === 0) return front;
    scratch.reset().raw(front.hashes);
    scratch.raw(this.hashes);
    const hashes = scratch.finish();
    scratch.reset().raw(front.gaps);
    scratch.varint(last.available_at - this.newest);
    scratch.raw(this.gaps);
    return new RecentIds(this.size + fresh.length, front.newest, this.oldest, hashes, scratch.finish());
  }

  /** Takes the oldest away while they are too many or too old. */
  private trimmed(from: number, cap: number): RecentIds {
    let { size, oldest } = this;
    let end = this.gaps.length;
    while (size > 1 && (size > cap || oldest < from)) {
      let begin = end - 1;
      while (begin > 0 && this.gaps[begin - 1]! >= 0x80) begin--;
      let gap = 0;
      for (let i = end - 1; i >= begin; i--) gap = gap * 0x80 + (this.gaps[i]! & 0x7f);
      oldest += gap;
      end = begin;
      size--;
    }
    if (size === this.size) return this;
    return new RecentIds(
      size,
      this.newest,
      oldest,
      this.hashes.subarray(0, size * HASH_BYTES),
      this.gaps.subarray(0, end),
    );
  }
}

export function newestFirst(a: RecentId, b: RecentId): number {
  return b.available_at - a.available_at || b.hash - a.hash;
}

class RecentReader {
  private readonly hashes: Uint8Array;
  private readonly gaps: Uint8Array;
  private atHash = 0;
  private atGap = 0;

  constructor(hashes: Uint8Array, gaps: Uint8Array) {
    this.hashes = hashes;
    this.gaps = gaps;
  }

  hash(): number {
    let value = 0;
    for (let i = HASH_BYTES - 1; i >= 0; i--) value = value * 0x100 + this.hashes[this.atHash + i]!;
    this.atHash += HASH_BYTES;
    return value;
  }

  gap(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.gaps[this.atGap++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}
