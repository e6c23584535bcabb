/** JSON values one after another, told apart by their brackets and quotes alone: also those that are no JSON inside. */
import { LONGEST_ROW } from './lines.ts';

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

export interface JsonValue {
  /** On one line: a line end between two tokens became a blank. */
  readonly bytes: Buffer;
  /** In bytes; more than `bytes` has where it is longer than was to be held, and its rest was passed over. */
  readonly length: number;
}

/**
 * Takes a text in pieces of any size and gives back its values. A value of a document that is an array ends at a comma, others
 * where their bracket closes.
 */
export class JsonValues {
  /** Whether the array was closed. */
  closed = false;
  /** Bytes other than blanks behind the closed array. */
  behind = 0;
  private readonly inArray: boolean;
  private readonly most: number;
  private parts: Buffer[] = [];
  private held = 0;
  private length = 0;
  private started = false;
  private depth = 0;
  private quoted = false;
  private escaped = false;

  /**
   * @param inArray the values are an array's; its opening bracket was taken already
   * @param most bytes of a value that are held
   */
  constructor(inArray: boolean, most = Number.POSITIVE_INFINITY) {
    this.inArray = inArray;
    this.most = most;
  }

  /** Whether a value has begun and not ended. */
  get open(): boolean {
    return this.started;
  }

  *take(given: Buffer): Generator<JsonValue> {
    let from = 0;
    // Line ends become blanks in a copy: the piece is the reader's, who may use it again.
    const piece = Buffer.from(given);
    const cut = (to: number): JsonValue => {
      this.keep(piece.subarray(from, to));
      return this.cut();
    };
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i]!;
      if (this.quoted) {
        if (this.escaped) this.escaped = false;
        else if (byte === BACKSLASH) this.escaped = true;
        else if (byte === QUOTE) this.quoted = false;
      } else if (isBlank(byte)) {
        if (byte === LINE_FEED || byte === CARRIAGE_RETURN) piece[i] = SPACE;
        if (this.started && !this.inArray && this.depth === 0) yield cut(i);
      } else if (this.closed) {
        if (!this.started) [this.started, from] = [true, i];
        this.behind++;
      } else if (byte === COMMA && this.depth === 0) {
        if (this.started) yield cut(i);
      } else if (byte === CLOSE_BRACKET && this.depth === 0 && this.inArray) {
        if (this.started) yield cut(i);
        this.closed = true;
      } else {
        if (!this.started) [this.started, from] = [true, i];
        if (byte === QUOTE) this.quoted = true;
        else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.depth++;
        else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && this.depth > 0) {
          this.depth--;
          if (this.depth === 0 && !this.inArray) yield cut(i + 1);
        }
      }
    }
    if (this.started) this.keep(piece.subarray(from));
  }

  /** What nothing ended: the last value of a sequence, a value that was cut, or all that stands behind the array. */
  end(): JsonValue | undefined {
    return this.started ? this.cut() : undefined;
  }

  private keep(part: Buffer): void {
    // Behind the array anything may come: only its beginning is of use.
    const most = this.closed ? Math.min(this.most, LONGEST_ROW) : this.most;
    const room = part.subarray(0, Math.max(0, most - this.held));
    if (room.length > 0) this.parts.push(room);
    this.held += room.length;
    this.length += part.length;
  }

  private cut(): JsonValue {
    const whole = this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts);
    const bytes = withoutLastBlanks(whole);
    const length = this.length > this.held ? this.length : bytes.length;
    this.parts = [];
    this.held = this.length = 0;
    this.started = false;
    return { bytes, length };
  }
}
