/** Who was erased is remembered by a hash only, so that a replay can't bring the data back and nothing else is known. */
import { sha256 } from '../values/hash.ts';

/** How much longer than the longest call an erasure waits, s: so old may be what a function knows of the tombstones. */
export const SETTLE_SECONDS = 2;

/** Hex sha256. Of a guessable id it can be guessed: it is a pseudonym, and is kept as one. */
export function tombstoneOf(entity_id: string): string {
  return sha256(`tidemark-erased\n${entity_id}`);
}

/** With JSON's own blanks; a text ends where its line does. */
const NAMED = /"entity_id"[ \t\r\n]*:[ \t\r\n]*("(?:[^"\\\r\n]|\\[^\r\n])*")/g;

/**
 * Whom a raw record may be about: its partition key and every `entity_id` that its text names, also where the text is no
 * JSON. The Spark jobs decide alike (tidemark_spark/engine/admission/tombstones.py).
 */
export function subjectsOf(partition_key: string, raw: Uint8Array): string[] {
  const subjects = new Set([partition_key]);
  for (const [, quoted] of new TextDecoder().decode(raw).matchAll(NAMED)) {
    try {
      subjects.add(JSON.parse(quoted!) as string);
    } catch {
      // An escape that JSON does not know: nobody's id.
    }
  }
  return [...subjects];
}
