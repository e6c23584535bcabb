import { z } from 'zod';
import { common, name } from '../aws/environment.ts';

export const schema = z.object({
  ...common,
  FEATURES_TABLE: name,
  LAKE_BUCKET: name,
  /** Glue database of the Iceberg tables. */
  DATABASE: name,
  /** Between two trainings (h). */
  COOLDOWN_HOURS: z.coerce.number().nonnegative(),
  /** Of each kind in each slice of a training set. */
  MIN_LABELS: z.coerce.number().int().nonnegative(),
});
export type Env = z.infer<typeof schema>;
