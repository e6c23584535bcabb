import { sha256Bytes } from '../values/hash.ts';

/**
 * A number in [0, 1) that a salt and an id give: the first 8 bytes of sha256(salt ‖ 0x00 ‖ id), big-endian, as a part of 2^64,
 * cut off after 53 bits, so that it is the same number everywhere and never 1. Texts are UTF-8; the zero byte keeps
 * (`ab`, `c`) and (`a`, `bc`) apart.
 */
export function fractionOf(salt: string, id: string): number {
  const bytes = sha256Bytes(`${salt}\0${id}`);
  const high = bytes.readUInt32BE(0);
  const low = bytes.readUInt32BE(4);
  return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;
}
