import type { Alert } from './message.ts';
import type { AlertKey, Outbox } from './outbox.ts';

export type Claims = Pick<Outbox, 'claim' | 'markSent' | 'release'>;

/**
 * Sends an alert once: claim, post, mark. Redelivered messages find the claim or the mark. A crash between Slack's answer
 * and the mark can't be told from one before the post: after the lease the alert is sent again rather than lost.
 *
 * @param now ms UTC
 * @returns `gone` when the outbox holds no such alert: its entity was erased
 * @throws Error when it was not sent by this call and must be delivered again
 */
export async function sendOnce(
  outbox: Claims,
  key: AlertKey,
  post: (alert: Alert) => Promise<void>,
  now: () => number,
): Promise<'sent' | 'sent before' | 'gone'> {
  const alert = await outbox.claim(key, now());
  if (alert === 'sent') return 'sent before';
  if (alert === 'gone') return 'gone';
  // Thrown, so that it is delivered again after the lease, in case the other sender died.
  if (alert === 'taken') throw new Error('another sender holds the lease; delivered again later');
  try {
    await post(alert);
  } catch (error) {
    await outbox.release(key);
    throw error;
  }
  await outbox.markSent(key, now());
  return 'sent';
}
