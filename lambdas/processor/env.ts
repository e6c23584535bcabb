import { z } from 'zod';
import { common, name } from '../shared/environment.ts';

export const schema = z.object({
  ...common,
  FEATURES_TABLE: name,
  LAKE_BUCKET: name,
  STREAM_NAME: name,
  /** How long after its deployment a new view version joins the stream. @default 120 */
  JOIN_AFTER_SECONDS: z.coerce.number().int().min(1).optional(),
});
export type Env = z.infer<typeof schema>;
