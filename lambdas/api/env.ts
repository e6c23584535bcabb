import { z } from 'zod';
import { common, name } from '../aws/environment.ts';
import { prediction } from '../aws/scoring-environment.ts';

/** It answers and keeps nothing but the vectors that it served; of the table of scores it reads which experiment runs. */
export const scoring = z.object(prediction);
/** A use case without a model has no endpoint, and nothing to keep. */
export const schema = z.object({
  ...common,
  FEATURES_TABLE: name,
  ...scoring.pick({ LAKE_BUCKET: true, ENDPOINT_NAME: true, SCORES_TABLE: true }).partial().shape,
});
export type Env = z.infer<typeof schema>;
