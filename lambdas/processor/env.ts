import { z } from 'zod';
import { common, name } from '../aws/environment.ts';

export const schema = z.object({
  ...common,
  FEATURES_TABLE: name,
  LAKE_BUCKET: name,
  STREAM_NAME: name,
  /** Batches of one shard that are processed at the same time. */
  LANES: z.coerce.number().int().min(1),
  /** How long after its first batch a new view version cuts over. */
  CUTOVER_AFTER_SECONDS: z.coerce.number().int().min(0),
});
export type Env = z.infer<typeof schema>;
