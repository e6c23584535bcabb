import { z } from 'zod';
import { common, name } from '../aws/environment.ts';

export const publisherSchema = z.object({ ...common, ALERT_TOPIC_ARN: name, LAKE_BUCKET: name });
export type PublisherEnv = z.infer<typeof publisherSchema>;

export const notifierSchema = z.object({
  ...common,
  SCORES_TABLE: name,
  SLACK_SECRET_ARN: name,
  /** `loopback`: on the local cloud, whose Slack is plain HTTP on this machine. */
  WEBHOOKS: z.enum(['https', 'loopback']),
});
export type NotifierEnv = z.infer<typeof notifierSchema>;
