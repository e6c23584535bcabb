/** Growing byte buffer and cursor for the state codec. Numbers are exact integers within 2^53; no BigInt on the way. */
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

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
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
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
    let rest = value;
    for (let i = 0; i < 7; i++) {
      this.byte(rest % 0x100);
      rest = Math.floor(rest / 0x100);
    }
  }

  text(value: string): void {
    const encoded = encoder.encode(value);
    this.varint(encoded.length);
    if (this.length + encoded.length > this.bytes.length) this.grow(encoded.length);
    this.bytes.set(encoded, this.length);
    this.length += encoded.length;
  }

  /** A tag byte (0 integer, 1 string, 2 false, 3 true), then the value. */
  scalar(value: string | number | boolean): void {
    if (typeof value === 'number') {
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

  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private grow(need: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + need));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

export class ByteReader {
  private readonly bytes: Uint8Array;
  private position = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    const value = this.bytes[this.position++];
    if (value === undefined) throw new CodecError('found a state that ends early; restore it by a backfill');
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let byte = this.byte(); ; byte = this.byte()) {
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  signed(): number {
    const head = this.byte();
    const magnitude = (head & 0x3f) + (head & 0x80 ? this.varint() * 0x40 : 0);
    return head & 0x40 ? -magnitude : magnitude;
  }

  hash(): number {
    let value = 0;
    for (let i = 0, scale = 1; i < 7; i++, scale *= 0x100) value += this.byte() * scale;
    return value;
  }

  text(): string {
    const length = this.varint();
    const part = this.bytes.subarray(this.position, this.position + length);
    if (part.length !== length) throw new CodecError('found a state that ends early; restore it by a backfill');
    this.position += length;
    return decoder.decode(part);
  }

  scalar(): string | number | boolean {
    const tag = this.byte();
    if (tag === 0) return this.signed();
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
