import { z } from 'zod';
import { prediction } from '../shared/scoring-environment.ts';

/** It answers and keeps nothing but the vectors that it served: it has no table of scores. */
export const schema = z.object(prediction);
export type Env = z.infer<typeof schema>;
