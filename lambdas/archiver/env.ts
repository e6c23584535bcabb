import { z } from 'zod';
import { common, name } from '../aws/environment.ts';

export const schema = z.object({
  ...common,
  FEATURES_TABLE: name,
  LAKE_BUCKET: name,
  /** Of the processor, whose verdict on a record's key it shares. */
  LANES: z.coerce.number().int().min(1),
});
export type Env = z.infer<typeof schema>;
