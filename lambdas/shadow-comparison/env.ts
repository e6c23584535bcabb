import { z } from 'zod';
import { boundsSchema } from '../../engine/shadow/comparison.ts';
import { common, name } from '../aws/environment.ts';

export const schema = z.object({
  ...common,
  LAKE_BUCKET: name,
  ENDPOINT_NAME: name,
  /** JSON of the bounds that the stage sets. */
  SHADOW_BOUNDS: z.string().transform((text) => boundsSchema.parse(JSON.parse(text))),
});
export type Env = z.infer<typeof schema>;
