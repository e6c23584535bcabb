import { z } from 'zod';
import { recording } from '../shared/scoring-environment.ts';

export const schema = z.object(recording);
export type Env = z.infer<typeof schema>;
