/**
 * JSON by its text, for what a parser hides: how deep it is nested, and how its members were written. The same walk stands
 * in glue-scripts/tidemark_spark/engine/admission/wire_json.py. Each is one pass.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;

/**
 * Whether objects and arrays are nested more than `limit` deep; the outermost is level 1. Text that is no JSON has an
 * answer too: brackets outside of strings are counted as they come.
 */
export function isDeeper(text: string, limit: number): boolean {
  if (!hasBrackets(text, limit + 1)) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === QUOTE) i = endOfString(text, i) - 1;
    else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      if (++depth > limit) return true;
    } else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) depth--;
  }
  return false;
}

/** Most records have a few brackets, and finding those by the engine's own search costs nothing beside parsing. */
function hasBrackets(text: string, count: number): boolean {
  let left = count;
  for (const bracket of ['{', '[']) {
    for (let i = text.indexOf(bracket); i >= 0; i = text.indexOf(bracket, i + 1)) if (--left === 0) return true;
  }
  return false;
}

export interface Member {
  readonly key: string;
  /** `"key":value` as it was written. */
  readonly source: string;
  /** Where its value begins. */
  readonly at: number;
}

/** The members of the JSON object that begins at `at`, in the order of the text. @param text valid JSON */
export function membersOf(text: string, at: number): Member[] {
  const members: Member[] = [];
  let i = skipBlanks(text, at + 1);
  while (text.charCodeAt(i) !== CLOSE_BRACE) {
    const from = i;
    const keyEnd = endOfString(text, from);
    const key = text.slice(from, keyEnd);
    const value = skipBlanks(text, skipBlanks(text, keyEnd) + 1);
    const end = endOfValue(text, value);
    members.push({ key: JSON.parse(key) as string, source: `${key}:${text.slice(value, end)}`, at: value });
    i = skipBlanks(text, end);
    if (text.charCodeAt(i) === COMMA) i = skipBlanks(text, i + 1);
  }
  return members;
}

/** Where the value that begins at `at` has ended. */
function endOfValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return endOfString(text, at);
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) {
    let i = at;
    while (i < text.length && !isEnd(text.charCodeAt(i))) i++;
    return i;
  }
  let depth = 0;
  for (let i = at; ; i++) {
    const unit = text.charCodeAt(i);
    if (unit === QUOTE) i = endOfString(text, i) - 1;
    else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) depth++;
    else if ((unit === CLOSE_BRACE || unit === CLOSE_BRACKET) && --depth === 0) return i + 1;
  }
}

/** After the quote that closes the string which opens at `at`; the end of the text where none does. */
function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === BACKSLASH) i++;
    else if (unit === QUOTE) return i + 1;
  }
  return text.length;
}

function isEnd(unit: number): boolean {
  return unit === COMMA || unit === CLOSE_BRACE || unit === CLOSE_BRACKET || isSpace(unit);
}

/** JSON's own white space. */
function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

function skipBlanks(text: string, at: number): number {
  let i = at;
  while (isSpace(text.charCodeAt(i))) i++;
  return i;
}
