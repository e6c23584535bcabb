import { z } from 'zod';
import { common, name } from './environment.ts';

/** What every function that asks the model needs: where states are, which endpoint, which experiment, where served vectors go. */
export const prediction = {
  ...common,
  FEATURES_TABLE: name,
  LAKE_BUCKET: name,
  SCORES_TABLE: name,
  /** Absent: the model is loaded into the function, from the lake (`endpoint.mode: 'in-process'`). */
  ENDPOINT_NAME: name.optional(),
};
/** What a function needs besides that keeps scores and decides alerts. */
export const recording = {
  ...prediction,
  /** How long a score and an alert stay after they were written. */
  SCORES_KEPT_DAYS: z.coerce.number().int().min(1),
};

const predictionSchema = z.object(prediction);
const recordingSchema = z.object(recording);
export type PredictionEnv = z.infer<typeof predictionSchema>;
export type RecordingEnv = z.infer<typeof recordingSchema>;
