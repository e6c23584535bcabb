import type { z } from 'zod';

/** Configuration or a use-case file is wrong. The message names each field, the type found there and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    /** The file or option to correct. */
    source: string,
    problems: readonly string[],
  ) {
    super(`${source} is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/** What a value is, without showing it: configuration may hold addresses or tokens. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number that is not finite';
  return typeof value;
}

/** One line a finding: `field: found <type>; allowed: <what>`. */
export function describeIssues(error: z.ZodError, input: unknown): string[] {
  return error.issues.flatMap((issue) => {
    const field = issue.path.length === 0 ? '(top level)' : issue.path.map(String).join('.');
    const found = typeName(valueAt(input, issue.path));
    if (issue.code === 'unrecognized_keys') {
      const prefix = issue.path.length === 0 ? '' : `${field}.`;
      return issue.keys.map((key) => `${prefix}${key}: unknown field; allowed: remove it or correct its spelling`);
    }
    return [`${field}: found ${found}; allowed: ${allowedBy(issue)}`];
  });
}

function allowedBy(issue: z.core.$ZodIssue): string {
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

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
