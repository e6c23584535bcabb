/** Of the three seconds that Slack waits, what is left after the outcome is kept. */
const TIMEOUT_MS = 1000;

/**
 * Tells the one who pressed, and nobody else in the channel (https://docs.slack.dev/interactivity/handling-user-interaction).
 * The address comes with a signed request, and still only Slack's are called.
 * @param loopbackAllowed only on the local cloud. @throws Error when Slack does not take it
 */
export async function tellSlack(address: string, text: string, loopbackAllowed: boolean): Promise<void> {
  const url = URL.canParse(address) ? new URL(address) : null;
  const slack = url?.protocol === 'https:' && url.hostname === 'hooks.slack.com';
  const local = loopbackAllowed && url?.protocol === 'http:' && url.hostname === '127.0.0.1';
  if (!url || !(slack || local))
    throw new Error('response_url: found another address; allowed: https://hooks.slack.com/…');
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ response_type: 'ephemeral', replace_original: false, text }),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`response_url: Slack answered ${response.status}`);
}
