import { z } from 'zod';

const schema = z.object({
  /** The webhook that alerts are posted to. */
  url: z.string().default(''),
  /** Of the app whose buttons stand under alerts; empty: alerts have none. */
  signing_secret: z.string().default(''),
});
export type SlackSecret = z.infer<typeof schema>;

/** What the secret of Slack holds: empty texts for what nobody has put in, and for a secret that is no JSON. */
export function slackSecretIn(text: string): SlackSecret {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The parser's own error quotes the text.
    document = {};
  }
  const parsed = schema.safeParse(document);
  return parsed.success ? parsed.data : { url: '', signing_secret: '' };
}
