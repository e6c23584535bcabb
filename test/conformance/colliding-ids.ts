/** Pairs of ids that MurmurHash3 (x86, 32 bit) can't tell apart under any seed, and so hash53 can't either. */
const INVERSE_1 = inverse(0xcc9e2d51);
const INVERSE_2 = inverse(0x1b873593);

/**
 * A differential of Aumasson and Bernstein's kind ("SipHash: a fast short-input PRF", 2012): a bit of the first block that
 * ends up as the highest one of the state stays alone through multiplication and addition, and the second block takes it back.
 */
export function* collidingIds(): Generator<readonly [string, string]> {
  for (let i = 0; ; i++) {
    const [one, two] = [asciiBlock(i * 2), asciiBlock(i * 2 + 1)];
    const id = textOf(one, two);
    const other = textOf(unmix(mix(one) ^ (1 << 18)), unmix(mix(two) ^ (1 << 31)));
    if (id !== null && other !== null) yield [id, other];
  }
}

/** Four letters and digits that follow from a number. */
function asciiBlock(n: number): number {
  const letters = 'abcdefghijklmnopqrstuvwxyz012345';
  const drawn = Math.imul(n + 1, 0x9e3779b1) >>> 0;
  return [0, 5, 10, 15].reduce((block, at, i) => block | (letters.charCodeAt((drawn >>> at) & 31) << (8 * i)), 0);
}

function textOf(...blocks: readonly number[]): string | null {
  const bytes = Buffer.alloc(8);
  blocks.forEach((block, i) => {
    bytes.writeInt32LE(block | 0, 4 * i);
  });
  const text = bytes.toString('utf8');
  // No control characters either: an id that anybody may send.
  return Buffer.from(text, 'utf8').equals(bytes) && !/\p{C}/u.test(text) ? text : null;
}

function mix(block: number): number {
  const k = Math.imul(block, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

function unmix(mixed: number): number {
  const k = Math.imul(mixed, INVERSE_2);
  return Math.imul((k >>> 15) | (k << 17), INVERSE_1);
}

/** Of an odd number, modulo 2^32 (Newton). */
function inverse(odd: number): number {
  let x = odd;
  for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(odd, x));
  return x;
}
