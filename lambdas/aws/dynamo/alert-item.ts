/** An item of the outbox, which lies in the table of scores. */
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import type { SuppressionRule } from '../../../core/scores/policy.ts';
import type { DecidedAlert } from '../../../engine/alerting/decided.ts';
import type { Alert } from '../../../engine/alerting/message.ts';
import { OUTCOMES, type Outcome } from '../../../engine/alerting/outcome.ts';
import type { AlertRecord, ScoreRecord } from '../../../engine/ports.ts';
import {
  ALERT_KIND,
  alertKind,
  OUTCOME_KIND,
  SUPPRESSED_KIND,
  suppressedKind,
  WAITING_INDEX,
  WAITING_KIND,
} from '../../../names/keys.ts';
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

/** Where the sending of an alert begins. */
const PENDING = { status: 'pending', lease_until: 0 };

/** As it is written first, and the table's stream tells it: to send, to wait, or to be kept with the rule that suppressed it. */
export function alertItem(record: ScoreRecord, { alert_id, title, link, disposition }: AlertRecord): Item {
  const parts = { ...scoredParts(record), alert_id, title, link };
  switch (disposition.as) {
    case 'told':
      return marshall({ ...parts, kind: alertKind(record.t), ...PENDING });
    case 'suppressed':
      return marshall({ ...parts, kind: suppressedKind(record.t), rule: disposition.rule });
    case 'waits': {
      const { worth, zone } = disposition;
      const waiting = { [WAITING_INDEX.partition]: WAITING_INDEX.value };
      return marshall({ ...parts, kind: WAITING_KIND, worth, zone, ...waiting });
    }
  }
}

/** What an alert that waits becomes in the end: one of the outbox, or one that nobody is told of. */
export function endOf(item: Item, end: 'told' | SuppressionRule): Item {
  const { worth: _w, zone: _z, [WAITING_INDEX.partition]: _, ...parts } = item;
  const t = Number(parts.t?.N);
  return end === 'told'
    ? { ...parts, ...marshall({ kind: alertKind(t), ...PENDING }) }
    : { ...parts, ...marshall({ kind: suppressedKind(t), rule: end }) };
}

/** The alert in an item; null for anything else. @throws ZodError when an alert lacks a part */
export function alertOf(item: Item | undefined): Alert | null {
  return item?.kind?.S?.startsWith(ALERT_KIND) ? schema.parse(unmarshall(item)) : null;
}

const decidedSchema = schema.pick({ alert_id: true, entity_id: true, t: true, score: true, trigger: true }).extend({
  variant: z.string(),
  model_version: z.string(),
  definition_hash: z.string(),
  rule: z.string().nullable().default(null),
});

/** What became of an alert; null for anything else, also for one that waits. @param decided_at ms UTC. @throws ZodError */
export function decidedOf(item: Item | undefined, decided_at: number): DecidedAlert | null {
  const ended = [ALERT_KIND, SUPPRESSED_KIND].some((kind) => item?.kind?.S?.startsWith(kind));
  return item && ended ? { ...decidedSchema.parse(unmarshall(item)), decided_at } : null;
}

const outcomeSchema = z.object({
  outcome_id: z.string(),
  alert_id: z.string(),
  entity_id: z.string(),
  t: z.number(),
  outcome: z.enum(OUTCOMES),
  said_by: z.string(),
  said_at: z.number(),
}) satisfies z.ZodType<Outcome>;

/** What somebody said of an alert; null for anything else. @throws ZodError */
export function outcomeOf(item: Item | undefined): Outcome | null {
  return item?.kind?.S?.startsWith(OUTCOME_KIND) ? outcomeSchema.parse(unmarshall(item)) : null;
}
