import { type Alert, type Announcement, announcement } from './message.ts';

export interface HandedOver {
  readonly published: number;
  /** Place from which everything is delivered again; null when all is published. */
  readonly failed: number | null;
}

/**
 * One alert after the other, up to the first that the topic does not take.
 * @param inserts of the outbox's table, in order; null for a record of anything else, which is passed over
 */
export async function handOver(
  inserts: readonly (Alert | null)[],
  publish: (alert: Announcement) => Promise<void>,
  onFailure: (error: unknown) => void,
): Promise<HandedOver> {
  let published = 0;
  for (const [place, alert] of inserts.entries()) {
    if (!alert) continue;
    try {
      await publish(announcement(alert));
      published++;
    } catch (error) {
      onFailure(error);
      return { published, failed: place };
    }
  }
  return { published, failed: null };
}
