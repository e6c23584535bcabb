/** When people hear of a score, and in which words. */
import { z } from 'zod';
import { ms, name } from './schema-parts.ts';

export const reasonSchema = z.strictObject({
  text: z.string().min(1),
  /** How `{value}` is written: plain number, days from ms, money from minor units, or percent of a ratio. */
  format: z.enum(['number', 'days', 'money', 'percent']),
});

export const alertSchema = z.strictObject({
  name,
  threshold: z.number().gt(0).lt(1),
  /** The entity can alert again only after its score fell below this … */
  rearm_below: z.number().gt(0).lt(1),
  /** … or after this long (ms). */
  cooldown_ms: ms.positive(),
  top_reasons: z.int().min(1).max(10),
  title: z.string().min(1),
  /** `{entity_id}` and `{t}` are replaced (URL-encoded). */
  link: z.string().min(1),
  /** Plain words for a feature that pushes the score up; `{value}` is replaced by the formatted value. */
  reasons: z.record(name, reasonSchema),
});
