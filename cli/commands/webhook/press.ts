import { createHmac } from 'node:crypto';
import { OUTCOME_ACTION } from '../../../engine/alerting/buttons.ts';
import type { OutcomeName } from '../../../engine/alerting/outcome.ts';
import type { SlackMessage } from './receiver.ts';

export interface PressOptions {
  readonly outcome: OutcomeName;
  /** Slack's id of the person. */
  readonly user: string;
  /** The app's signing secret. */
  readonly secret: string;
  /** ms UTC. */
  readonly at: number;
  /** Where Slack takes an answer to the one who pressed. @default - none */
  readonly response_url?: string;
}

/** What Slack sends when somebody presses a button under a message, signed as Slack signs (https://docs.slack.dev/authentication/verifying-requests-from-slack). */
export function signedPress(
  message: SlackMessage,
  { outcome, user, secret, at, response_url }: PressOptions,
): { headers: Record<string, string>; body: string } {
  const action_id = `${OUTCOME_ACTION}${outcome}`;
  const elements = (message.blocks ?? []).flatMap((block) => (block as { elements?: unknown[] }).elements ?? []);
  const button = elements.find((one) => (one as { action_id?: string }).action_id === action_id);
  if (!button) throw new Error(`message: found no button ${action_id}; allowed: an alert that was sent with buttons`);
  const payload = {
    type: 'block_actions',
    user: { id: user, username: user.toLowerCase(), team_id: 'T0LOCAL' },
    api_app_id: 'A0LOCAL',
    container: { type: 'message', message_ts: `${at / 1000}`, is_ephemeral: false },
    team: { id: 'T0LOCAL', domain: 'local' },
    message,
    ...(response_url === undefined ? {} : { response_url }),
    actions: [{ ...button, block_id: 'b', action_ts: (at / 1000).toFixed(6) }],
  };
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  const timestamp = String(Math.floor(at / 1000));
  const signature = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
  return {
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${signature}`,
    },
    body,
  };
}
