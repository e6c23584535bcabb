import { z } from 'zod';
import { intakeVariables } from '../aws/intake.ts';

export const schema = z.object(intakeVariables);
export type Env = z.infer<typeof schema>;
