/** GrowthBook's hash, for teams whose other experiments run there: https://docs.growthbook.io/lib/build-your-own#hashing. */

/** FNV-1a, 32 bits, over UTF-16 units as GrowthBook's JavaScript SDK has it: ids beyond ASCII differ in SDKs of other languages. */
function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** Hash version 2: a multiple of 1/10,000 in [0, 1). */
export function growthbookFraction(seed: string, id: string): number {
  return (fnv1a32(String(fnv1a32(seed + id))) % 10_000) / 10_000;
}
