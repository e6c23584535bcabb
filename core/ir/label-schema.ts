/** What is predicted: a rule over the events of one entity in the horizon that begins at an instant. */
import { z } from 'zod';
import { ms, name, predicateSchema } from './schema-parts.ts';

const members = {
  /** The event type that the rule is about; only events for which `where` holds count. */
  event_type: name,
  where: z.array(predicateSchema),
  horizon_ms: ms.positive(),
  eligible: z.strictObject({
    /** A spine row needs at least one event of this type that was known before t. */
    event_type: name,
    /** How long before t such an event may lie at most. Absent: any time. */
    within_ms: ms.positive().optional(),
  }),
  /** How long after the horizon late facts are waited for, before a label is used. Absent: not at all. */
  maturity_ms: ms.positive().optional(),
  /** An event of this type in the horizon makes the label unknown: the row is dropped, and counted. */
  censor: z.strictObject({ event_type: name }).optional(),
};

export const labelSchema = z.discriminatedUnion('kind', [
  /** 1 when no event falls into the horizon. */
  z.strictObject({ name, kind: z.literal('no_event'), ...members }),
  /** 1 when one does. */
  z.strictObject({ name, kind: z.literal('event'), ...members }),
  /** 1 when the sum of `field` reaches `at_least`, or stays below `below`: one of the two, in the column's units. */
  z.strictObject({
    ...{ name, kind: z.literal('sum'), ...members, field: name },
    ...{ at_least: z.int().optional(), below: z.int().optional() },
  }),
  /** 1 when the first event that has a value of `field` has one of `values`. */
  z.strictObject({
    ...{ name, kind: z.literal('category'), ...members, field: name, values: z.array(z.string().min(1)).min(1) },
    /** What becomes of a row without such an event. Absent: its label is 0. */
    when_none: z.literal('drop').optional(),
  }),
]);
