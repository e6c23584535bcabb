/**
 * What TypeScript says of a definition, said again where nobody asked TypeScript: a use case runs without a type checker, and
 * a member that is missing or misspelt has to be named.
 */
import { DefinitionError, shown } from '../ir/errors.ts';
import { COLUMN, CONDITION, CONTRACT, EXPRESSION, FEATURE, LABEL, SOURCE } from './symbols.ts';

const KINDS = {
  any: { is: (value: unknown) => value !== undefined, said: 'a value' },
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
  contract: {
    is: (value: unknown) => has(value, CONTRACT),
    said: "a contract such as contract('order', 1, { fields })",
  },
  events: {
    is: (value: unknown) => has(value, CONTRACT) || has(value, COLUMN),
    said: 'a contract, or a column such as order.amount',
  },
  column: { is: (value: unknown) => has(value, COLUMN), said: 'a column such as order.amount' },
  where: {
    is: (value: unknown) => [value].flat().every((one) => has(one, CONDITION)),
    said: 'a condition such as order.amount.gt(0), or a list of them',
  },
  function: { is: (value: unknown) => typeof value === 'function', said: 'a function of the fields, ({ id }) => …' },
  expression: { is: (value: unknown) => has(value, EXPRESSION), said: 'an expression such as expr.mul(a, b)' },
  feature: { is: (value: unknown) => has(value, FEATURE), said: 'a feature such as count({ of: order, window })' },
  features: {
    is: (value: unknown) => Array.isArray(value) && value.every((one) => has(one, FEATURE)),
    said: 'a list of features',
  },
  label: { is: (value: unknown) => has(value, LABEL), said: 'a label such as noEvent({ name, of: order, horizon })' },
  source: {
    is: (value: unknown) => has(value, SOURCE),
    said: "a source such as source('shop', { envelope, via, map })",
  },
} as const;

export type Kind = keyof typeof KINDS;
/** A member's kind; with `?` it may be left out. */
export type Members = Readonly<Record<string, Kind | `${Kind}?`>>;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a function of a definition made it. */
export function has(value: unknown, symbol: symbol): value is object {
  return isObject(value) && isObject((value as Record<symbol, unknown>)[symbol]);
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
