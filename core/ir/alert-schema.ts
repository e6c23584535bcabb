/** When people hear of a score, and in which words. */
import { z } from 'zod';
import { DAY } from '../values/time.ts';
import { ms, name, timeZoneSchema } from './schema-parts.ts';

export const reasonSchema = z.strictObject({
  text: z.string().min(1),
  /** How `{value}` is written: plain number, days from ms, money from minor units, or percent of a ratio. */
  format: z.enum(['number', 'days', 'money', 'percent']),
});

const quietHoursSchema = z.strictObject({
  /** ms after midnight by the clock on the wall, `from` inclusive; where `from` is later than `to`, the night lies over midnight. */
  from_ms: ms.max(DAY - 1),
  to_ms: ms.max(DAY - 1),
  /** Where nothing else is said, the first one holds. */
  zones: z.array(timeZoneSchema).min(1),
  /** A feature whose value names one of the zones, of each entity. Absent: the first zone holds for all. */
  zone_feature: name.optional(),
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
  /** Alerts a UTC day, at most; those of the highest expected value go. Absent: all go, at once. */
  capacity_per_day: z.int().min(1).max(1_000_000).optional(),
  /** What an entity is worth in minor units: the value of a feature × `scale`; null is worth nothing. Absent: all the same. */
  value: z.strictObject({ feature: name, scale: z.number().positive() }).optional(),
  /** Share of those told about whom telling keeps. Absent: 1. */
  expected_response: z.number().gt(0).max(1).optional(),
  /** What one contact costs, in minor units. Absent: 0. */
  contact_cost: z.int().nonnegative().optional(),
  /** Nobody is told of an entity while it is night there; the alert waits. Absent: there is no night. */
  quiet_hours: quietHoursSchema.optional(),
  /** Above this share of scores over the threshold in the window the model is in doubt: nobody is told, but who operates it. */
  guard: z.strictObject({ share: z.number().gt(0).lt(1), window_ms: ms.positive() }).optional(),
  /** Share of entities that nobody is told about, by chance and for ever, so that what telling brings can be seen; 0: none. Absent: 0.1. */
  hold_out: z.number().min(0).max(0.5).optional(),
});
