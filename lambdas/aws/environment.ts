import { z } from 'zod';
import { issuesOf } from '../../core/ir/issues.ts';

/** What every function gets; its own env.ts extends this. */
export const common = {
  TIDEMARK_STAGE: z.enum(['local', 'dev', 'prod']),
  TIDEMARK_USE_CASE: z.string().min(1),
  /** `replay` takes time from the events, `wall` from the clock. */
  TIDEMARK_CLOCK: z.enum(['wall', 'replay']),
  POWERTOOLS_SERVICE_NAME: z.string().min(1),
  POWERTOOLS_LOG_LEVEL: z.string().min(1),
};

export const name = z.string().min(1);

/** Parsed once at cold start. @throws Error naming the variable and what is allowed, never its value */
export function readEnvironment<Shape extends z.ZodObject>(schema: Shape, source = process.env): z.infer<Shape> {
  const parsed = schema.safeParse(source);
  if (parsed.success) return parsed.data;
  const { field, found, allowed } = issuesOf(parsed.error, source)[0]!;
  throw new Error(`environment ${field}: found ${found}; allowed: ${allowed}; deploy the stack again`);
}
