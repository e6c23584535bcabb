/** Growing byte buffer and cursor for the state codec. Numbers are exact integers within 2^53; no BigInt on the way. */
const encoder = new TextEncoder();
// A mark at the beginning is a character of the text, as it is for Spark.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Characters up to which a loop beats the engine's own encoder and decoder. */
const SHORT = 32;
const ENDS_EARLY = 'found a state that ends early; restore it by a backfill';

/** Of the 56 bits of a stored hash 53 are its own. This one, in the last byte, says that former code made it of an event id. */
export const FORMER_ID = 0x80;

const SLAB = 64 * 1024;
let slab = new Uint8Array(0);
let slabUsed = 0;

/** The bytes of a state can't be read: damaged, or written by newer code. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
}

export class ByteWriter {
  private bytes = new Uint8Array(512);
  private length = 0;

  byte(value: number): void {
    if (this.length === this.bytes.length) this.grow(1);
    this.bytes[this.length++] = value;
  }

  /** LEB128: 7 bits a byte, lowest first. @param value integer in 0..2^53-1 */
  varint(value: number): void {
    if (!(value >= 0)) throw new CodecError(`found a negative ${typeof value}; allowed: 0 to 2^53-1`);
    let rest = value;
    while (rest >= 0x80000000) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    // From here on 31 bits: whole-number operations are several times as fast.
    let small = rest | 0;
    while (small >= 0x80) {
      this.byte((small & 0x7f) | 0x80);
      small >>>= 7;
    }
    this.byte(small);
  }

  /** Sign and magnitude: bit 7 of the first byte says more follow, bit 6 is the sign, then 6 bits; the rest a varint. */
  signed(value: number): void {
    const magnitude = Math.abs(value);
    const head = (magnitude % 0x40) | (value < 0 ? 0x40 : 0);
    const more = magnitude >= 0x40;
    this.byte(more ? head | 0x80 : head);
    if (more) this.varint(Math.floor(magnitude / 0x40));
  }

  /** 53 bits in 7 bytes, lowest first. */
  hash(value: number): void {
    const low = value >>> 0;
    const high = Math.floor(value / 2 ** 32);
    if (this.length + 7 > this.bytes.length) this.grow(7);
    const { bytes, length } = this;
    bytes[length] = low;
    bytes[length + 1] = low >>> 8;
    bytes[length + 2] = low >>> 16;
    bytes[length + 3] = low >>> 24;
    bytes[length + 4] = high;
    bytes[length + 5] = high >>> 8;
    bytes[length + 6] = high >>> 16;
    this.length = length + 7;
  }

  /** A hash of an event id: those of former code are below zero, and have a bit of their own. */
  idHash(value: number): void {
    this.hash(value < 0 ? -1 - value : value);
    if (value < 0) this.bytes[this.length - 1]! |= FORMER_ID;
  }

  text(value: string): void {
    if (value.length <= SHORT && this.ascii(value)) return;
    const encoded = encoder.encode(value);
    this.varint(encoded.length);
    if (this.length + encoded.length > this.bytes.length) this.grow(encoded.length);
    this.bytes.set(encoded, this.length);
    this.length += encoded.length;
  }

  /** @returns false, and nothing is written, for a text that is not ASCII */
  private ascii(value: string): boolean {
    const { length } = value;
    const at = this.length;
    this.varint(length);
    if (this.length + length > this.bytes.length) this.grow(length);
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) {
        this.length = at;
        return false;
      }
      this.bytes[this.length++] = unit;
    }
    return true;
  }

  /** A tag byte (0 integer, 1 string, 2 false, 3 true, 4 null), then the value. */
  scalar(value: string | number | boolean | null): void {
    if (value === null) {
      this.byte(4);
    } else if (typeof value === 'number') {
      this.byte(0);
      this.signed(value);
    } else if (typeof value === 'string') {
      this.byte(1);
      this.text(value);
    } else {
      this.byte(value ? 3 : 2);
    }
  }

  /** One bit per item, lowest bit first, padded with zeros to whole bytes. */
  bitmap(bits: readonly boolean[]): void {
    for (let i = 0; i < bits.length; i += 8) {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) if (bits[i + bit]) byte |= 1 << bit;
      this.byte(byte);
    }
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array, from = 0, to = bytes.length): void {
    const size = to - from;
    if (this.length + size > this.bytes.length) this.grow(size);
    // Short runs are copied faster by hand than by a call into the engine.
    if (size < 32) for (let i = from; i < to; i++) this.bytes[this.length++] = bytes[i]!;
    else {
      this.bytes.set(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to), this.length);
      this.length += size;
    }
  }

  /** Begins a block: a varint with its length comes before what is written up to `closeBlock`. @returns for that call */
  openBlock(): number {
    this.byte(0);
    return this.length;
  }

  closeBlock(from: number): void {
    const size = this.length - from;
    let extra = 0;
    for (let rest = size; rest >= 0x80; rest = Math.floor(rest / 0x80)) extra++;
    if (extra > 0) {
      if (this.length + extra > this.bytes.length) this.grow(extra);
      this.bytes.copyWithin(from + extra, from, this.length);
    }
    this.length = from - 1;
    this.varint(size);
    this.length += size;
  }

  /** A copy, cut out of a larger piece of memory: an allocation for each state would take longer than filling it. */
  finish(): Uint8Array {
    const size = this.length;
    if (size > SLAB / 8) return this.bytes.slice(0, size);
    if (slab.length - slabUsed < size) {
      slab = new Uint8Array(SLAB);
      slabUsed = 0;
    }
    const copy = slab.subarray(slabUsed, slabUsed + size);
    copy.set(this.bytes.subarray(0, size));
    slabUsed += size;
    return copy;
  }

  /** To be filled again: one buffer serves many states. */
  reset(): this {
    this.length = 0;
    return this;
  }

  private grow(need: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + need));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

export class ByteReader {
  readonly bytes: Uint8Array;
  position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  /** Passes over `count` bytes. @returns where they began */
  skip(count: number): number {
    const from = this.position;
    this.position += count;
    if (this.position > this.bytes.length) throw new CodecError(ENDS_EARLY);
    return from;
  }

  byte(): number {
    const value = this.bytes[this.position++];
    if (value === undefined) throw new CodecError(ENDS_EARLY);
    return value;
  }

  varint(): number {
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    // 28 bits by whole-number operations, which are several times as fast; the rest is rare.
    for (let shift = 7; shift < 28; shift += 7) {
      byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    for (let scale = 2 ** 28; ; scale *= 0x80) {
      byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    const head = this.byte();
    const magnitude = (head & 0x3f) + (head & 0x80 ? this.varint() * 0x40 : 0);
    return head & 0x40 ? -magnitude : magnitude;
  }

  hash(): number {
    const at = this.skip(7);
    return this.bits(at, this.bytes[at + 6]!);
  }

  /** Below zero where former code made it. */
  idHash(): number {
    const at = this.skip(7);
    const top = this.bytes[at + 6]!;
    return top & FORMER_ID ? -1 - this.bits(at, top ^ FORMER_ID) : this.bits(at, top);
  }

  private bits(at: number, top: number): number {
    const { bytes } = this;
    const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    return (bytes[at + 4]! | (bytes[at + 5]! << 8) | (top << 16)) * 2 ** 32 + (low >>> 0);
  }

  text(): string {
    const length = this.varint();
    const from = this.skip(length);
    const ascii = length <= SHORT ? this.ascii(from, length) : null;
    return ascii ?? decoder.decode(this.bytes.subarray(from, from + length));
  }

  /** @returns where the text begins, to be read later */
  skipText(): number {
    const at = this.position;
    this.skip(this.varint());
    return at;
  }

  /** Short texts are ids and codes, ASCII nearly always: a call into the decoder costs more than they do. */
  private ascii(from: number, length: number): string | null {
    let text = '';
    for (let i = from; i < from + length; i++) {
      const byte = this.bytes[i]!;
      if (byte >= 0x80) return null;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  scalar(): string | number | boolean {
    const value = this.scalarOrNull();
    if (value === null) throw new CodecError('found a null where a value must be; restore the state by a backfill');
    return value;
  }

  /** Tag 4 is null; only what a state remembers of single events has it. */
  scalarOrNull(): string | number | boolean | null {
    const tag = this.byte();
    if (tag === 0) return this.signed();
    if (tag === 4) return null;
    return tag === 1 ? this.text() : tag === 3;
  }

  bitmap(count: number): boolean[] {
    const bytes = Array.from({ length: Math.ceil(count / 8) }, () => this.byte());
    return Array.from({ length: count }, (_, i) => ((bytes[i >> 3]! >> (i & 7)) & 1) === 1);
  }

  get done(): boolean {
    return this.position === this.bytes.length;
  }
}
