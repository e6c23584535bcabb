import type { z } from 'zod';
import { issuesOf } from '../../core/ir/issues.ts';

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

/** One line per finding: `field: found <type>; allowed: <what>`. */
export function describeIssues(error: z.ZodError, input: unknown): string[] {
  return issuesOf(error, input).map(
    ({ field, found, allowed }) => `${field || '(top level)'}: found ${found}; allowed: ${allowed}`,
  );
}
