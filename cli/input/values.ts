/** JSON values one after another, told apart by their brackets and quotes alone: also those that are no JSON inside. */

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
const [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20];

export function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === LINE_FEED || byte === CARRIAGE_RETURN;
}

function withoutLastBlanks(value: Buffer): Buffer {
  let to = value.length;
  while (to > 0 && isBlank(value[to - 1]!)) to--;
  return value.subarray(0, to);
}

/**
 * Takes a text in pieces of any size and gives back its values, each on one line: a line end between two tokens becomes a
 * blank. A value of a document that is an array ends at a comma, others where their bracket closes.
 */
export class Values {
  /** Whether the array was closed. */
  closed = false;
  /** Bytes other than blanks behind the closed array. */
  behind = 0;
  private readonly inArray: boolean;
  private parts: Buffer[] = [];
  private started = false;
  private depth = 0;
  private quoted = false;
  private escaped = false;

  /** @param inArray the values are an array's; its opening bracket was taken already */
  constructor(inArray: boolean) {
    this.inArray = inArray;
  }

  /** Whether a value has begun and not ended. */
  get open(): boolean {
    return this.started;
  }

  *take(piece: Buffer): Generator<Buffer> {
    let from = 0;
    const cut = (to: number): Buffer | undefined => {
      const value = this.started
        ? withoutLastBlanks(Buffer.concat([...this.parts, piece.subarray(from, to)]))
        : undefined;
      this.parts = [];
      this.started = false;
      return value;
    };
    // Line ends become blanks in a copy: the piece is the reader's.
    piece = Buffer.from(piece);
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i]!;
      if (this.closed) {
        if (!isBlank(byte)) this.behind++;
        continue;
      }
      if (this.quoted) {
        if (this.escaped) this.escaped = false;
        else if (byte === BACKSLASH) this.escaped = true;
        else if (byte === QUOTE) this.quoted = false;
        continue;
      }
      if (isBlank(byte)) {
        if (byte === LINE_FEED || byte === CARRIAGE_RETURN) piece[i] = SPACE;
        if (this.inArray || this.depth > 0 || !this.started) continue;
        yield cut(i)!;
      } else if (byte === COMMA && this.depth === 0) {
        const value = cut(i);
        if (value) yield value;
      } else if (byte === CLOSE_BRACKET && this.depth === 0 && this.inArray) {
        const value = cut(i);
        this.closed = true;
        if (value) yield value;
      } else {
        if (!this.started) [this.started, from] = [true, i];
        if (byte === QUOTE) this.quoted = true;
        else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.depth++;
        else if (
          (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) &&
          this.depth > 0 &&
          --this.depth === 0 &&
          !this.inArray
        )
          yield cut(i + 1)!;
      }
    }
    if (this.started) {
      this.parts.push(piece.subarray(from));
    }
  }

  /** The last value of a sequence, which nothing ended. */
  end(): Buffer | undefined {
    const last = this.started ? Buffer.concat(this.parts) : undefined;
    this.parts = [];
    this.started = false;
    return last;
  }
}
