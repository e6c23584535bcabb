/** The keys of a source: read seldom, and read again when a request says that there may be newer ones. */
import { z } from 'zod';

/** A key that was taken out of the secret is refused within this time. */
const TTL_MS = 300_000;
/** Of requests with wrong keys, one in this time asks for newer ones: anybody can send such. */
const REREAD_MS = 30_000;
/** After a secret that could not be read, or holds no keys yet. */
const FAILURE_MS = 5000;

/** `{ "keys": ["current", "previous"] }`: all of them let in, the first signs what we answer. */
const secretSchema = z.looseObject({ keys: z.array(z.string().min(1)).max(8) });

/** The secret can't be read, or holds no keys. */
export class KeysError extends Error {
  override readonly name = 'KeysError';
}

export class SourceKeys {
  private readonly read: () => Promise<string>;
  private readonly now: () => number;
  private readonly onError: (error: unknown) => void;
  private keys: readonly string[] = [];
  private failure: unknown = new KeysError('secret keys: not read yet; try again.');
  /** ms UTC: of the last try, and from when on the next one is due. */
  private triedAt = Number.NEGATIVE_INFINITY;
  private dueAt = Number.NEGATIVE_INFINITY;

  /**
   * @param read the text of the secret. @param now ms UTC
   * @param onError told when newer keys can't be read and those of before go on
   */
  constructor(read: () => Promise<string>, now: () => number, onError: (error: unknown) => void) {
    this.read = read;
    this.now = now;
    this.onError = onError;
  }

  /** Up to five minutes old. @throws what kept us from reading them, while there are none */
  async current(): Promise<readonly string[]> {
    if (this.now() >= this.dueAt) await this.again();
    if (this.keys.length === 0) throw this.failure;
    return this.keys;
  }

  /** Read again, if that was not tried for half a minute. @returns null where it was, or there are no newer ones */
  async newer(): Promise<readonly string[] | null> {
    if (this.now() - this.triedAt < REREAD_MS) return null;
    const before = JSON.stringify(this.keys);
    await this.again();
    return before === JSON.stringify(this.keys) ? null : this.keys;
  }

  private async again(): Promise<void> {
    this.triedAt = this.now();
    try {
      this.keys = keysIn(await this.read());
      this.dueAt = this.triedAt + TTL_MS;
    } catch (error) {
      this.failure = error;
      this.dueAt = this.triedAt + FAILURE_MS;
      if (this.keys.length > 0) this.onError(error);
    }
  }
}

function keysIn(text: string): readonly string[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The parser's own error quotes the text.
    document = undefined;
  }
  const parsed = secretSchema.safeParse(document);
  if (parsed.success && parsed.data.keys.length > 0) return parsed.data.keys;
  throw new KeysError('secret keys: found none; allowed: 1 to 8 texts; put them with tidemark source secret.');
}
