import { z } from 'zod';
import { recording } from '../aws/scoring-environment.ts';

export const schema = z.object({
  ...recording,
  /** Parts of the table that are scanned at the same time. */
  SWEEP_SEGMENTS: z.coerce.number().int().min(1).max(64),
  /** Between two runs of the schedule. */
  SWEEP_EVERY_MINUTES: z.coerce.number().int().min(1).max(1440).default(60),
});
export type Env = z.infer<typeof schema>;
