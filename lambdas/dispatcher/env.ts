import { z } from 'zod';
import { common, name } from '../aws/environment.ts';

export const schema = z.object({
  ...common,
  /** Its clock in a replay. */
  FEATURES_TABLE: name,
  SCORES_TABLE: name,
  /** How long what becomes of an alert stays. */
  SCORES_KEPT_DAYS: z.coerce.number().int().min(1),
});
export type Env = z.infer<typeof schema>;
