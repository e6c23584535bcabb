/** What zod found wrong, in the words of all other errors here: the field, what was found, what is allowed. */
import type { z } from 'zod';
import { typeName } from './errors.ts';

export interface Issue {
  /** Path with dots; empty at the top. */
  readonly field: string;
  /** The type alone: a value may be an address, a token or personal. */
  readonly found: string;
  readonly allowed: string;
}

/** In zod's order, at least one; an unknown field is an issue of its own. */
export function issuesOf(error: z.ZodError, input: unknown): Issue[] {
  return error.issues.flatMap((issue) => {
    const field = issue.path.map(String).join('.');
    if (issue.code !== 'unrecognized_keys')
      return [{ field, found: typeFound(valueAt(input, issue.path)), allowed: allowedBy(issue) }];
    return issue.keys.map((key) => ({
      field: field === '' ? key : `${field}.${key}`,
      found: 'an unknown field',
      allowed: 'remove it or correct its spelling',
    }));
  });
}

/** What the schema would take: its own message where it has one, else what its check says. */
export function allowedBy(issue: z.core.$ZodIssue): string {
  if (!/^(Invalid|Too (small|big)|Unrecognized)\b/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected;
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(', ');
    case 'too_small':
      return `${issue.origin} of at least ${issue.minimum}`;
    case 'too_big':
      return `${issue.origin} of at most ${issue.maximum}`;
    case 'invalid_union':
      return [...new Set(issue.errors.flat().map(allowedBy))].join(' or ') || issue.message;
    default:
      return issue.message;
  }
}

/** The type of a value, in words where JSON has none for it. */
export function typeFound(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number that is not finite';
  return typeName(value);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
