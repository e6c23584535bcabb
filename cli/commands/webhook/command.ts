import { text } from 'node:stream/consumers';
import { checkWebhook } from '../../../lambdas/notifier/slack.ts';
import { isLoopback } from '../../../local/guard.ts';
import { CliError } from '../../errors.ts';
import { STDIN, textOf } from '../../input/text.ts';
import { deployed, type Target } from '../../stage/resources.ts';
import { setSlackUrl } from './secret.ts';

/** `tidemark webhook`: reads the address from standard input, so that no shell keeps it, and never prints it. */
export async function webhook(target: Target): Promise<void> {
  const { clients, resources, env } = await deployed(target);
  if (process.stdin.isTTY) console.error('Paste the address of the webhook, then Ctrl-D:');
  const url = (await text(textOf(STDIN))).trim();
  try {
    checkWebhook(url, isLoopback(env.AWS_ENDPOINT_URL ?? ''));
  } catch {
    throw new CliError(
      'Standard input holds no webhook: it takes one address, such as https://hooks.slack.com/services/…; in Slack, Incoming Webhooks issues it.',
    );
  }
  await setSlackUrl(clients.secrets, resources.get('slackSecret'), url);
  console.log(`Alerts of ${resources.deployment} go to this webhook, within five minutes.`);
}
