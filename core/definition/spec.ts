/**
 * What TypeScript says of a definition, said again where nobody asked TypeScript: a use case runs without a type checker, and
 * a member that is missing or misspelt has to be named.
 */
import { DefinitionError, shown } from '../ir/errors.ts';

const KINDS = {
  text: { is: (value: unknown) => typeof value === 'string', said: 'a text' },
  number: { is: (value: unknown) => typeof value === 'number', said: 'a number' },
  boolean: { is: (value: unknown) => typeof value === 'boolean', said: 'true or false' },
  scalar: {
    is: (value: unknown) => value === null || ['string', 'number', 'boolean'].includes(typeof value),
    said: 'a text, a number, true, false or null',
  },
  object: { is: isObject, said: 'an object' },
  list: { is: (value: unknown) => Array.isArray(value), said: 'a list' },
  texts: {
    is: (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
    said: 'a list of texts',
  },
  make: { is: (value: unknown) => typeof value === 'function', said: 'a feature such as count({ of: order, window })' },
  contract: {
    is: (value: unknown) => isObject(value) && isObject(value.ir),
    said: "a contract such as contract('order', 1, { fields })",
  },
} as const;

export type Kind = keyof typeof KINDS;
/** A member's kind; with `?` it may be left out. */
export type Members = Readonly<Record<string, Kind | `${Kind}?`>>;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param at the value's name in the use case @throws DefinitionError that names it */
export function requireKind(value: unknown, kind: Kind, at: string): void {
  if (!KINDS[kind].is(value)) throw new DefinitionError(at, shown(value), KINDS[kind].said);
}

/** @param at the value's name; empty: the use case itself @throws DefinitionError that names the first member that is missing, of another kind, or unknown */
export function requireMembers(value: unknown, members: Members, at: string): void {
  if (!isObject(value)) {
    throw new DefinitionError(at || 'use case', shown(value), `an object with ${Object.keys(members).join(', ')}`);
  }
  const within = (name: string) => (at ? `${at}.${name}` : name);
  for (const [name, said] of Object.entries(members)) {
    const [kind, optional] = said.endsWith('?') ? [said.slice(0, -1) as Kind, true] : [said as Kind, false];
    if (!(optional && value[name] === undefined)) requireKind(value[name], kind, within(name));
  }
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(members, name) && value[name] !== undefined);
  if (unknown !== undefined) {
    throw new DefinitionError(within(unknown), 'a member of this name', Object.keys(members).join(', '));
  }
}
