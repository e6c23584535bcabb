import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { checkWebhook } from '../../../lambdas/notifier/slack.ts';
import { isLoopback } from '../../../local/guard.ts';
import { CliError } from '../../errors.ts';
import { STDIN, textOf } from '../../input/text.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import type { Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { setSlackSecret } from './secret.ts';

interface WebhookOptions extends Target {
  readonly signingSecret?: boolean;
}

export function addWebhook(root: Command): void {
  root
    .command('webhook')
    .description('put what Slack issues for the alerts, from standard input, into its secret: the webhook')
    .option(
      '--signing-secret',
      "instead: the app's signing secret, with which alerts get buttons for what became of them",
    )
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((options: WebhookOptions) => withStage(options, options.signingSecret ? signingSecret : webhook));
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
  await setSlackSecret(clients.secrets, resources.get('slackSecret'), { url });
  console.log(`Alerts of ${resources.deployment} go to this webhook, within five minutes.`);
}

/** As Slack shows it under Basic Information: a text of hex digits. */
const SIGNING_SECRET = /^[0-9a-f]{16,64}$/;

async function signingSecret({ clients, resources }: OpenStage): Promise<void> {
  if (process.stdin.isTTY) console.error("Paste the app's signing secret, then Ctrl-D:");
  const signing_secret = (await text(textOf(STDIN))).trim();
  if (!SIGNING_SECRET.test(signing_secret))
    throw new CliError(
      'Standard input holds no signing secret: it takes 16 to 64 hex digits; in Slack, Basic Information of the app shows it.',
    );
  await setSlackSecret(clients.secrets, resources.get('slackSecret'), { signing_secret });
  console.log(
    `Alerts of ${resources.deployment} get buttons within five minutes. Put this address into the app, under Interactivity & Shortcuts: ${resources.get('outcomesUrl')}`,
  );
}
