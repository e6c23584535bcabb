import { paginateScan } from '@aws-sdk/client-dynamodb';
import { OUTCOME_KIND } from '../../../names/keys.ts';
import { apiAddress } from '../../stage/api-address.ts';
import { signedPress } from '../webhook/press.ts';
import type { Session } from './session.ts';

/**
 * Somebody presses a button under the first alert, as Slack sends it.
 * @returns whether what was said is beside the alert then; false where no alert reached Slack
 */
export async function pressButton(session: Session): Promise<boolean> {
  const [first] = session.slack.messages;
  if (!first) return false;
  const { connection, resources, slack } = session;
  const address = resources.get('outcomesUrl');
  const { headers, body } = signedPress(first.body, {
    outcome: 'saved',
    user: 'U0LOCAL',
    secret: slack.signingSecret,
    at: Date.now(),
  });
  const url = `${apiAddress(address, connection.env)}${new URL(address).pathname}`;
  return session.timed('outcome', 'Say in Slack what became of a customer', async () => {
    const response = await fetch(url, { method: 'POST', headers, body });
    await response.body?.cancel();
    return response.ok && (await isKept(session));
  });
}

async function isKept({ connection, resources }: Session): Promise<boolean> {
  const scan = {
    TableName: resources.get('scoresTable'),
    ConsistentRead: true,
    FilterExpression: 'begins_with(kind, :outcome)',
    ExpressionAttributeValues: { ':outcome': { S: OUTCOME_KIND } },
  };
  for await (const { Count = 0 } of paginateScan({ client: connection.clients.dynamodb }, scan))
    if (Count > 0) return true;
  return false;
}
