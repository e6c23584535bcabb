import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { checkWebhook } from '../../../lambdas/notifier/slack.ts';
import { isLoopback } from '../../../local/guard.ts';
import { CliError } from '../../errors.ts';
import { STDIN, textOf } from '../../input/text.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import type { Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { setSlackUrl } from './secret.ts';

export function addWebhook(root: Command): void {
  root
    .command('webhook')
    .description('put the Slack webhook of the alerts, from standard input, into its secret')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((target: Target) => withStage(target, webhook));
}

/** Reads the address from standard input, so that no shell keeps it, and never prints it. */
async function webhook({ clients, resources, env }: OpenStage): Promise<void> {
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
