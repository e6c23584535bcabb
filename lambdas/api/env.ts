import { z } from 'zod';
import { common, name } from '../aws/environment.ts';
import { prediction } from '../aws/scoring-environment.ts';

/** It keeps nothing but the vectors that it served, and reads the last scores where the model does not answer. */
export const scoring = z.object(prediction);
/** A use case without a model has no endpoint and no scores, and nothing to keep. */
export const schema = z.object({
  ...common,
  FEATURES_TABLE: name,
  ...scoring.pick({ LAKE_BUCKET: true, ENDPOINT_NAME: true, SCORES_TABLE: true }).partial().shape,
});
export type Env = z.infer<typeof schema>;
