/** An item of the outbox, which lies in the table of scores. */
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import type { Alert } from '../../../engine/alerting/message.ts';
import type { AlertRecord, ScoreRecord } from '../../../engine/ports.ts';
import { ALERT_KIND, alertKind } from '../../../names/keys.ts';
import type { Item } from './state-item.ts';

const schema = z.object({
  entity_id: z.string(),
  kind: z.string(),
  alert_id: z.string(),
  title: z.string(),
  link: z.string(),
  score: z.number(),
  t: z.number(),
  trigger: z.string(),
  reasons: z.array(z.string()).default([]),
}) satisfies z.ZodType<Alert>;

/** What an alert and the score that raised it say alike; nothing else of a record is kept. */
export function scoredParts(record: ScoreRecord) {
  const { entity_id, t, score, variant, model_version, definition_hash, trigger, reasons } = record;
  return { entity_id, t, score, variant, model_version, definition_hash, trigger, reasons };
}

/** As it is written first, and the table's stream tells it. */
export function alertItem(record: ScoreRecord, { alert_id, title, link }: AlertRecord): Item {
  const waiting = { status: 'pending', lease_until: 0 };
  return marshall({ ...scoredParts(record), kind: alertKind(record.t), alert_id, title, link, ...waiting });
}

/** The alert in an item; null for anything else. @throws ZodError when an alert lacks a part */
export function alertOf(item: Item | undefined): Alert | null {
  return item?.kind?.S?.startsWith(ALERT_KIND) ? schema.parse(unmarshall(item)) : null;
}
