/** How often each text came, in little memory. */
import { idHash } from '../../../core/values/hash.ts';

/** How often each text came, by 53 bits of its sha256: 12 bytes a place, at most two places a text. */
export class TextCounts {
  private keys = new Float64Array(1024);
  private counts = new Uint32Array(1024);
  private used = 0;

  /** @returns how often it came before */
  add(text: string): number {
    if (this.used * 2 >= this.keys.length) this.grow();
    // 0 marks an empty place.
    return this.put(idHash(text) + 1, 1);
  }

  private put(key: number, count: number): number {
    const mask = this.keys.length - 1;
    let at = key & mask;
    while (this.keys[at] !== 0 && this.keys[at] !== key) at = (at + 1) & mask;
    if (this.keys[at] === 0) {
      this.keys[at] = key;
      this.used++;
    }
    const before = this.counts[at]!;
    this.counts[at] = before + count;
    return before;
  }

  private grow(): void {
    const [keys, counts] = [this.keys, this.counts];
    this.keys = new Float64Array(keys.length * 2);
    this.counts = new Uint32Array(keys.length * 2);
    this.used = 0;
    for (let i = 0; i < keys.length; i++) if (keys[i] !== 0) this.put(keys[i]!, counts[i]!);
  }
}
