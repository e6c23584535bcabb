import { z } from 'zod';
import { common, name } from '../aws/environment.ts';

export const schema = z.object({
  ...common,
  SCORES_TABLE: name,
  /** How long an outcome stays. */
  SCORES_KEPT_DAYS: z.coerce.number().int().min(1),
  /** ARN of the secret with the app's signing secret. */
  SLACK_SECRET_ARN: name,
  /** `loopback`: on the local cloud, whose Slack is plain HTTP on this machine. */
  WEBHOOKS: z.enum(['https', 'loopback']),
});
export type Env = z.infer<typeof schema>;
