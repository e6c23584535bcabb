import { z } from 'zod';
import { recording } from '../shared/scoring-environment.ts';

export const schema = z.object({
  ...recording,
  /** Parallel scan segments. */
  SWEEP_SEGMENTS: z.coerce.number().int().min(1).max(64),
});
export type Env = z.infer<typeof schema>;
