/** What is tried against what, and how it is judged. */
import { z } from 'zod';
import { ms, name } from './schema-parts.ts';

const salt = z.string().min(1).max(64);
const share = z.number().min(0).max(1);

export const experimentMetricSchema = z.discriminatedUnion('kind', [
  /** The label of the use case at the exposure: known when its horizon has closed. */
  z.strictObject({ kind: z.literal('label') }),
  /** A feature of the model's view, `after_ms` after the exposure. */
  z.strictObject({
    kind: z.literal('feature'),
    feature: name,
    after_ms: ms.positive(),
    /** `proportion`: the share of entities for which it is above 0, or true. */
    as: z.enum(['mean', 'proportion']),
  }),
]);

export const experimentSchema = z.strictObject({
  name,
  /** How ids become numbers: core/experiments/assignment.ts. */
  hash: z.enum(['sha256', 'growthbook']),
  /** `enrol`: whether an entity takes part; `variant`: which variant it gets. */
  salts: z.strictObject({ enrol: salt, variant: salt }),
  /** The share of entities that get a variant, when it starts. */
  coverage: share.gt(0),
  /** The share of entities that nobody is told of while it runs. */
  hold_out: z.number().min(0).max(0.9),
  /** Shares of those who get a variant; together 1. The champion is what the challenger is compared with. */
  variants: z.tuple([
    z.strictObject({ name: z.literal('champion'), weight: share.gt(0).lt(1) }),
    z.strictObject({ name: z.literal('challenger'), weight: share.gt(0).lt(1) }),
  ]),
  metric: experimentMetricSchema,
  /** Which change of the metric is wanted. */
  direction: z.enum(['increase', 'decrease']),
  /** Entities with a known outcome, in each variant: before nothing is recommended. */
  minimum_sample: z.int().positive(),
  /** Entities with a known outcome, in both variants: where the interval is at its narrowest. */
  planned_sample: z.int().positive(),
  /** How often an interval may miss the truth, over all looks together. */
  alpha: z.number().gt(0).max(0.5),
  /** `any_time`: as soon as the interval leaves 0 out; `planned_sample`: not before there are as many as planned. */
  stop: z.enum(['any_time', 'planned_sample']),
  /** How long new entities are exposed, ms. */
  duration_ms: ms.positive(),
});
