/**
 * Texts of producers. Every rule here is one pass: a record of 250 KB costs milliseconds, whatever it holds.
 * Lengths are code points everywhere, as Python counts them.
 */

/** What a pass reads of a text; a test counts the reads. */
export type Characters = Pick<string, 'length' | 'charCodeAt'>;

/** ASCII white space: tab, line feed, vertical tab, form feed, carriage return, blank. All languages agree on these. */
function isBlank(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
}

/** Where a text begins and ends without the ASCII white space around it. */
export function ends(text: Characters): [from: number, to: number] {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return [from, to];
}

/** The text without ASCII white space at both ends. */
export function trimmed(text: string): string {
  // Mostly there is none.
  if (!isBlank(text.charCodeAt(0)) && !isBlank(text.charCodeAt(text.length - 1))) return text;
  return text.slice(...ends(text));
}

/** Whether a text has more code points than `max`. */
export function isLonger(text: string, max: number): boolean {
  if (text.length <= max) return false;
  // A code point has at most two units.
  if (text.length > 2 * max) return true;
  let count = 0;
  for (const _ of text) count++;
  return count > max;
}

/** Control characters, line and paragraph separators, and the two that XML, and so SNS and SQS, can't carry. */
const UNNAMEABLE = /[\p{Cc}\u2028\u2029\ufffe\uffff]/u;

/**
 * Whether a text may be an id: 1 to `max` code points, well-formed, none of them a control character or a line end. Ids
 * travel into keys, message attributes, subjects, logs and shells, and must come out of each as they went in.
 */
export function isIdentifier(text: string, max: number): boolean {
  const { length } = text;
  if (length === 0 || isLonger(text, max)) return false;
  // Ids are short and ASCII nearly always: looking at them by hand takes a fraction of the expression's time.
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e) return text.isWellFormed() && !UNNAMEABLE.test(text);
  }
  return true;
}

/** UTF-16 order differs from code point (= UTF-8 byte) order only where surrogates meet U+E000..U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
