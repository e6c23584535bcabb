/** JSON pointers (RFC 6901), compiled once a map: own members of objects and places of arrays, and nothing inherited. */

/** What stands there; undefined where nothing does. */
export type Pointer = (body: unknown) => unknown;

const PLACE = /^(0|[1-9]\d*)$/;

/** @param text as the schema has checked it: empty (the whole), or `/` before every part */
export function pointerOf(text: string): Pointer {
  if (text === '') return (body) => body;
  const parts = text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return (body) => {
    let value = body;
    for (const part of parts) {
      if (typeof value !== 'object' || value === null) return undefined;
      if (Array.isArray(value)) value = PLACE.test(part) ? value[Number(part)] : undefined;
      else value = Object.hasOwn(value, part) ? (value as Readonly<Record<string, unknown>>)[part] : undefined;
    }
    return value;
  };
}
