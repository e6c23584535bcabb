/**
 * The event ids that a state has seen lately, newest first by (available_at, hash). They are looked up and added to as
 * bytes: a set of 256 ids made for each update costs more than all of its arithmetic.
 */

import type { RememberedIR } from '../ir/document.ts';
import { ByteReader, type ByteWriter, FORMER_ID } from '../values/bytes.ts';
import { formerId } from '../values/hash.ts';

export interface RecentId {
  readonly available_at: number;
  /** idHash of the event id, or formerIdHash. */
  readonly hash: number;
}

const HASH_BYTES = 7;
const NOTHING = new Uint8Array(0);

export class RecentIds {
  readonly size: number;
  /** Ids that came since the bytes were written; newest first, all newer than those. */
  private readonly front: readonly RecentId[];
  /** The others: `older` hashes of 7 bytes from `hashes` on, newest first. */
  private readonly bytes: Uint8Array;
  private readonly hashes: number;
  /** Varints in [gaps … end): available_at of each id less that of the next older one. */
  private readonly gaps: number;
  private readonly end: number;
  private readonly older: number;
  /** available_at of the newest id in the bytes, and of the oldest of all. */
  private readonly olderNewest: number;
  private readonly oldest: number;

  private constructor(
    front: readonly RecentId[],
    oldest: number,
    bytes: Uint8Array = NOTHING,
    hashes = 0,
    gaps = 0,
    end = 0,
    older = 0,
    olderNewest = -1,
  ) {
    this.size = front.length + older;
    this.front = front;
    this.bytes = bytes;
    this.hashes = hashes;
    this.gaps = gaps;
    this.end = end;
    this.older = older;
    this.olderNewest = olderNewest;
    this.oldest = oldest;
  }

  static readonly none = new RecentIds([], -1);

  /** Of codec version 2, whose hashes are of another kind. */
  static decodeFormer(from: ByteReader, newest_available_at: number): RecentIds {
    const ids = RecentIds.decode(from, newest_available_at).list();
    return RecentIds.of(ids.map((id) => ({ ...id, hash: formerId(id.hash) })).sort(newestFirst));
  }

  /** @param ids newest first */
  static of(ids: readonly RecentId[]): RecentIds {
    return new RecentIds(ids, ids.at(-1)?.available_at ?? -1);
  }

  static decode(from: ByteReader, newest_available_at: number): RecentIds {
    const size = from.varint();
    if (size === 0) return RecentIds.none;
    const newest = newest_available_at - from.varint();
    const oldest = newest - from.varint();
    const hashes = from.skip(size * HASH_BYTES);
    const length = from.varint();
    const gaps = from.skip(length);
    return new RecentIds([], oldest, from.bytes, hashes, gaps, gaps + length, size, newest);
  }

  write(out: ByteWriter, newest_available_at: number): void {
    const { front, older, bytes, hashes } = this;
    out.varint(this.size);
    if (this.size === 0) return;
    out.varint(newest_available_at - this.newest);
    out.varint(this.newest - this.oldest);
    for (const id of front) out.idHash(id.hash);
    out.raw(bytes, hashes, hashes + older * HASH_BYTES);
    const block = out.openBlock();
    for (let i = 1; i < front.length; i++) out.varint(front[i - 1]!.available_at - front[i]!.available_at);
    const last = front.at(-1);
    if (last && older > 0) out.varint(last.available_at - this.olderNewest);
    out.raw(bytes, this.gaps, this.end);
    out.closeBlock(block);
  }

  has(hash: number): boolean {
    for (const id of this.front) if (id.hash === hash) return true;
    const { bytes } = this;
    const bits = hash < 0 ? -1 - hash : hash;
    const low = bits >>> 0;
    const high = Math.floor(bits / 2 ** 32);
    const top = (high >>> 16) | (hash < 0 ? FORMER_ID : 0);
    const end = this.hashes + this.older * HASH_BYTES;
    for (let i = this.hashes; i < end; i += HASH_BYTES) {
      if (
        bytes[i] === (low & 0xff) &&
        bytes[i + 1] === ((low >>> 8) & 0xff) &&
        bytes[i + 2] === ((low >>> 16) & 0xff) &&
        bytes[i + 3] === low >>> 24 &&
        bytes[i + 4] === (high & 0xff) &&
        bytes[i + 5] === ((high >>> 8) & 0xff) &&
        bytes[i + 6] === top
      ) {
        return true;
      }
    }
    return false;
  }

  /** Newest first. */
  list(): RecentId[] {
    const ids = [...this.front];
    const gaps = new ByteReader(this.bytes, this.gaps);
    const hashes = new ByteReader(this.bytes, this.hashes);
    let available_at = this.olderNewest;
    for (let i = 0; i < this.older; i++) {
      if (i > 0) available_at -= gaps.varint();
      ids.push({ available_at, hash: hashes.idHash() });
    }
    return ids;
  }

  /**
   * With more ids; of all of them those within the horizon, at most `cap`, the newest by (available_at, hash): the same
   * set in any order of arrival.
   */
  with(added: readonly RecentId[], newest_available_at: number, { horizon_ms, cap }: RememberedIR): RecentIds {
    const from = newest_available_at - horizon_ms;
    const fresh = inOrder(added);
    const last = fresh.at(-1);
    if (!last && this.oldest >= from) return this;
    // Only ids that are all newer than what is there can be put in front of the bytes.
    if (
      !last ||
      last.available_at <= this.newest ||
      this.size === 0 ||
      fresh.length >= cap ||
      last.available_at < from
    ) {
      const all = [...this.list(), ...fresh].filter((id) => id.available_at >= from);
      return RecentIds.of(all.sort(newestFirst).slice(0, cap));
    }
    return this.inFront(fresh, from, cap);
  }

  /** Of the bytes, the oldest go while they are too many or too old. */
  private inFront(fresh: readonly RecentId[], from: number, cap: number): RecentIds {
    const { bytes, hashes, gaps } = this;
    const front = this.front.length === 0 ? fresh : [...fresh, ...this.front];
    let { older, oldest, end } = this;
    while (older > 0 && (front.length + older > cap || oldest < from)) {
      if (older === 1) {
        return RecentIds.of(front.filter((id) => id.available_at >= from).slice(0, cap));
      }
      let begin = end - 1;
      while (begin > gaps && bytes[begin - 1]! >= 0x80) begin--;
      oldest += new ByteReader(bytes, begin).varint();
      end = begin;
      older--;
    }
    if (older === 0) return RecentIds.of(front.filter((id) => id.available_at >= from).slice(0, cap));
    return new RecentIds(front, oldest, bytes, hashes, gaps, end, older, this.olderNewest);
  }

  private get newest(): number {
    return this.front[0]?.available_at ?? this.olderNewest;
  }
}

/** Newest first. Most batches come in the order of arrival: to turn them round is enough, and allocates far less. */
function inOrder(ids: readonly RecentId[]): readonly RecentId[] {
  if (ids.length < 2) return ids;
  const turned = ids.toReversed();
  return turned.some((id, i) => i > 0 && newestFirst(turned[i - 1]!, id) > 0) ? turned.sort(newestFirst) : turned;
}

export function newestFirst(a: RecentId, b: RecentId): number {
  return b.available_at - a.available_at || b.hash - a.hash;
}
