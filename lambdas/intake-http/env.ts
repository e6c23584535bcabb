import { z } from 'zod';
import { name } from '../aws/environment.ts';
import { intakeVariables } from '../aws/intake.ts';

export const schema = z.object({
  ...intakeVariables,
  /** ARN of the secret with the keys of the source's requests. */
  SECRET_ARN: name,
});
export type Env = z.infer<typeof schema>;
