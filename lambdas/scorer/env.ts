import { z } from 'zod';
import { recording } from '../aws/scoring-environment.ts';

export const schema = z.object(recording);
export type Env = z.infer<typeof schema>;
