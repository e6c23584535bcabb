/**
 * Several JSON values in the bytes of one record: one a line (LF or CRLF, blank lines between them) as Vector and Fluent Bit
 * write them, or one right after the other as Firehose does. By their brackets and quotes alone, so that a broken value is a
 * part of its own and the others stay whole. The Spark jobs decide alike (tidemark_spark/engine/admission/framing.py).
 */

/** Bytes [from, to). */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const [TAB, LF, CR, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * The objects and arrays of a text, each from its first bracket to the one that closes it. What is no such value (it never
 * closes, a quoted text of it holds a line end, or a bracket stands where JSON allows none, as that of the next event does
 * behind a line that was cut off) is one part up to the next line that begins with `{`. A text that is one
 * JSON object or array is one part; a blank text has none. Takes two passes over the bytes at most, whatever they are.
 * @param most more parts are not looked for. @returns null then
 */
export function spansOf(data: Uint8Array, most: number): Span[] | null {
  const spans: Span[] = [];
  // Once a value was broken, each is looked for up to the next line that begins one: else every open bracket would be
  // followed to the end of the text.
  let bound = data.length;
  let broken = false;
  for (let at = skipBlanks(data, 0); at < data.length; at = skipBlanks(data, at)) {
    if (broken && at >= bound) bound = nextLineOfObject(data, at);
    if (spans.length === most) return null;
    const end = endOf(data, at, bound);
    if (end !== null) {
      spans.push({ from: at, to: end });
      at = end;
      continue;
    }
    if (!broken) bound = nextLineOfObject(data, at);
    broken = true;
    spans.push({ from: at, to: trimmedEnd(data, bound) });
    at = bound;
  }
  return spans;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === LF || byte === CR || byte === TAB;
}

function skipBlanks(data: Uint8Array, from: number): number {
  let at = from;
  while (isBlank(data[at])) at++;
  return at;
}

function trimmedEnd(data: Uint8Array, end: number): number {
  let to = end;
  while (isBlank(data[to - 1])) to--;
  return to;
}

/** Behind the bracket that closes the one at `from`; null when there is none before `to`. */
function endOf(data: Uint8Array, from: number, to: number): number | null {
  if (data[from] !== BRACE && data[from] !== BRACKET) return null;
  /** The brackets that are open, and the last byte that is no blank. */
  const open: number[] = [];
  let last = 0;
  for (let i = from; i < to; i++) {
    const byte = data[i]!;
    if (byte === QUOTE) {
      i = endOfText(data, i + 1, to);
      if (data[i] !== QUOTE || i >= to) return null;
    } else if (byte === BRACE || byte === BRACKET) {
      if (open.length > 0 && !mayOpen(open.at(-1)!, last)) return null;
      open.push(byte);
    } else if (byte === BRACE_END || byte === BRACKET_END) {
      if (open.pop() !== (byte === BRACE_END ? BRACE : BRACKET)) return null;
      if (open.length === 0) return i + 1;
    }
    if (!isBlank(byte)) last = byte;
  }
  return null;
}

/** In an object a value stands behind a colon; in an array behind its bracket or a comma. */
function mayOpen(inside: number, last: number): boolean {
  return inside === BRACE ? last === COLON : last === BRACKET || last === COMMA;
}

/** Where a quoted text ends: at its quote, at a line end, which JSON does not allow in it, or at `to`. */
function endOfText(data: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && data[i] !== QUOTE && data[i] !== LF) i += data[i] === BACKSLASH ? 2 : 1;
  return i;
}

/** Where the next line begins that begins with an object, or the end. */
function nextLineOfObject(data: Uint8Array, from: number): number {
  for (let at = data.indexOf(LF, from); at >= 0; at = data.indexOf(LF, at + 1)) {
    if (data[at + 1] === BRACE) return at + 1;
  }
  return data.length;
}
