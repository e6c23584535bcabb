/** What the API answers; docs/reference/api.md is made of it, and the tests hold every answer to it. */
import { z } from 'zod';

const ms = z.number().int();
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const pair = z.tuple([z.string(), z.number()]).readonly();
/** Why an entity has no score. */
export const FAILURES = {
  missing: 'no event of this entity was ever applied, so there is nothing to score; a new customer',
  unreadable: 'what is stored of it cannot be read, until the nightly healing',
  out_of_range: 'a feature is beyond 3.4e38, where the model has no place for it',
  model_unavailable: 'the model did not answer in time, and this entity was never scored before',
} as const;
export type Failure = keyof typeof FAILURES;
const failures = Object.keys(FAILURES) as [Failure, ...Failure[]];

const vector = {
  entity_id: z.string().describe('As it was asked for.'),
  status: z
    .enum(['found', 'missing', 'unreadable'])
    .describe('Whether its features are known; `missing`: no event of it was ever applied.'),
  t: ms.describe('The instant that the features are of, ms UTC: now, and never before what is known.'),
  event_age_ms: ms.nullable().describe('ms since its newest event; null without features.'),
  arrival_age_ms: ms.nullable().describe('ms since the newest arrival that is counted; null without features.'),
  features: z
    .record(z.string(), z.union([scalar, z.array(z.union([scalar, pair])).readonly()]))
    .readonly()
    .nullable()
    .describe('By name; null where one is unknown, and for all of them where the entity is.'),
  healing: z.array(z.string()).readonly().describe('Features that tell an older truth until the nightly healing.'),
};

const scored = {
  ...vector,
  score: z.number().min(0).max(1).optional().describe('Calibrated probability; absent with an `error`.'),
  score_age_ms: ms.optional().describe('ms since the score was made: 0, or more where it is `degraded`.'),
  degraded: z
    .boolean()
    .describe('The score is the last one that was stored, as the model did not answer or the state cannot be read.'),
  variant: z.string().optional().describe('Which of the models in service answered.'),
  model_version: z.string().optional().describe('The model, as it calls itself.'),
  definition_hash: z.string().optional().describe('Of the definition that the score was made by.'),
  reasons: z
    .array(z.string())
    .readonly()
    .optional()
    .describe('Sentences with their units, the strongest first; none where the use case has no alerts.'),
  error: z
    .strictObject({
      reason: z.enum(failures).describe('A code.'),
      message: z.string().describe('The same as a sentence.'),
    })
    .optional()
    .describe('Why this entity has no score; the others have theirs.'),
};

export const featuresAnswer = z.strictObject({
  view: z.string().describe('The version of the view that answers.'),
  definition_hash: z.string().describe('Of that version.'),
  entities: z.array(z.strictObject(vector)).describe('One for each entity that was asked for, in order, each once.'),
});

export const scoreAnswer = z.strictObject({
  view: featuresAnswer.shape.view,
  definition_hash: featuresAnswer.shape.definition_hash,
  degraded: z.boolean().describe('The model did not answer: every score here is an earlier one.'),
  entities: z.array(z.strictObject(scored)).describe('One for each entity that was asked for, in order, each once.'),
});

export const errorAnswer = z.strictObject({
  error: z.string().describe('What is wrong and what to do, one sentence.'),
});

export type FeaturesAnswer = z.infer<typeof featuresAnswer>;
export type ScoreAnswer = z.infer<typeof scoreAnswer>;

export const failed = (reason: Failure) => {
  const said = FAILURES[reason];
  return { reason, message: `${said[0]!.toUpperCase()}${said.slice(1)}.` };
};
