/** What the shapes of a document's parts have in common. */
import { z } from 'zod';
import { TIMESTAMP_FORMATS } from '../values/time.ts';

export const name = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'a lower-case name of letters, digits and _');
export const scalarSchema = z.union([z.number(), z.string(), z.boolean(), z.null()]);
export const ms = z.int().nonnegative();
export const timestampFormatSchema = z.enum(TIMESTAMP_FORMATS);
const fieldMembers = {
  name,
  /** Key in the incoming `properties`; absent: `name`. */
  from: z.string().min(1).optional(),
  required: z.boolean(),
  /** Already in canonical form (a decimal default is an integer of 10^-scale). Absent: null. */
  default: scalarSchema.optional(),
};
const textual = { trim: z.boolean(), case: z.enum(['lower', 'upper']).optional() };
export const bounds = { min: z.int().optional(), max: z.int().optional() };

export const fieldSchema = z.discriminatedUnion('type', [
  z.strictObject({ ...fieldMembers, ...textual, type: z.literal('string'), max_length: z.int().min(1).max(4096) }),
  z.strictObject({ ...fieldMembers, ...textual, type: z.literal('enum'), values: z.array(z.string().min(1)).min(1) }),
  z.strictObject({ ...fieldMembers, ...bounds, type: z.literal('int') }),
  /** `min` and `max` are in units of 10^-scale. */
  z.strictObject({ ...fieldMembers, ...bounds, type: z.literal('decimal'), scale: z.int().min(0).max(9) }),
  z.strictObject({ ...fieldMembers, type: z.literal('bool') }),
  /** Canonical value: integer ms UTC. */
  z.strictObject({ ...fieldMembers, type: z.literal('timestamp'), format: timestampFormatSchema }),
]);

export const timeZoneSchema = z.strictObject({
  name: z.string(),
  /** [from, ms UTC; what local time is ahead of UTC, ms], ascending; the first holds before, too, the last for ever. */
  offsets: z.array(z.tuple([z.int(), z.int()])).min(1),
});

export const predicateSchema = z.discriminatedUnion('op', [
  z.strictObject({ field: name, op: z.enum(['eq', 'ne']), value: scalarSchema }),
  z.strictObject({ field: name, op: z.enum(['gt', 'gte', 'lt', 'lte']), value: z.number() }),
  z.strictObject({ field: name, op: z.literal('in'), value: z.array(scalarSchema).min(1) }),
]);
