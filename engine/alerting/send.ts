import type { Alert } from './message.ts';

/** Longer than one function call can take: nobody else sends meanwhile. */
export const LEASE_MS = 60_000;

/** Of an alert in the outbox. */
export interface AlertKey {
  readonly entity_id: string;
  readonly kind: string;
}

/** The sending side of the outbox: pending → sending (with a lease) → sent. */
export interface Outbox {
  /**
   * @param now ms UTC
   * @returns the alert when it is ours to send, `sent` when it was sent before, `taken` while somebody else sends it, `gone` when it was erased
   */
  claim(key: AlertKey, now: number): Promise<Alert | 'sent' | 'taken' | 'gone'>;
  /** @param now ms UTC */
  markSent(key: AlertKey, now: number): Promise<void>;
  /** Gives the claim back after a failure, so that a retry need not wait for the lease. */
  release(key: AlertKey): Promise<void>;
}

/**
 * Sends an alert once: claim, post, mark. Redelivered messages find the claim or the mark. A crash between Slack's answer
 * and the mark can't be told from one before the post: after the lease the alert is sent again rather than lost.
 *
 * @param now ms UTC
 * @returns `gone` when the outbox holds no such alert: its entity was erased
 * @throws Error when it was not sent by this call and must be delivered again
 */
export async function sendOnce(
  outbox: Outbox,
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
