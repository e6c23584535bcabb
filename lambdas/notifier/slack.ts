import { setTimeout as sleep } from 'node:timers/promises';

const ATTEMPTS = 3;
const TIMEOUT_MS = 5000;
/** A longer wait is left to the queue behind us. */
const MAX_WAIT_MS = 5000;

/** Slack did not take a message. `final`: it never will (the webhook is gone, the message is wrong). */
class SlackError extends Error {
  override readonly name = 'SlackError';
  readonly final: boolean;

  constructor(message: string, final: boolean) {
    super(message);
    this.final = final;
  }
}

/** @param loopbackAllowed only on the local cloud, to post to plain HTTP, and only to this machine */
export function checkWebhook(url: unknown, loopbackAllowed: boolean): URL {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : null;
  const loopback = parsed?.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(parsed.hostname);
  if (!parsed || (parsed.protocol !== 'https:' && !(loopback && loopbackAllowed))) {
    throw new SlackError(
      'secret url: found no https address; put {"url": "https://hooks.slack.com/…"} into the secret',
      true,
    );
  }
  return parsed;
}

/** Posts a message; 429 waits as long as Slack asks, 5xx and time-outs are tried again, other 4xx are final. */
export async function postToSlack(url: URL, message: object): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryOnce(url, message);
    if (outcome === 'ok') return;
    if (outcome.final || attempt === ATTEMPTS || outcome.waitMs > MAX_WAIT_MS)
      throw new SlackError(outcome.message, outcome.final);
    await sleep(outcome.waitMs);
  }
}

async function tryOnce(url: URL, message: object): Promise<'ok' | { message: string; final: boolean; waitMs: number }> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    return { message: 'Slack could not be reached; the alert is sent again', final: false, waitMs: 500 };
  }
  await response.body?.cancel();
  if (response.ok) return 'ok';
  const { status } = response;
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  if (status === 429)
    return { message: 'Slack answered 429', final: false, waitMs: Number.isFinite(after) ? after * 1000 : 1000 };
  return { message: `Slack answered ${status}`, final: status < 500, waitMs: 500 };
}
