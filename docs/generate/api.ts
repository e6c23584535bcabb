/** docs/reference/api.md: what the API is asked and answers, from the schemas that its tests hold every answer to. */
import { z } from 'zod';
import { errorAnswer, FAILURES, featuresAnswer, scoreAnswer } from '../../lambdas/api/answers.ts';
import { MAX_ENTITIES } from '../../lambdas/api/requests.ts';
import { MODEL_BUDGET_MS } from '../../lambdas/api/scores.ts';
import { code, page, table } from './markdown.ts';

const HASH = '3f0e9d5c8b7a6f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6';
const VIEW = 'shoppers@3f0e9d5c8b7a';
const NOW = Date.UTC(2026, 2, 1, 12);
const FEATURES = { orders_28d: 1, silence: 1_814_400_000 };
const REASONS = ['no order for 21 days', 'only 1 order in four weeks'];
const found = { status: 'found' as const, t: NOW, event_age_ms: 1_814_400_000, arrival_age_ms: 1_814_397_000 };
const unknown = { t: NOW, event_age_ms: null, arrival_age_ms: null, features: null, healing: [] };
const scored = { variant: 'champion', model_version: 'churn-0d1c2b3a4958', definition_hash: HASH, reasons: REASONS };
const missing = { reason: 'missing' as const, message: sentence(FAILURES.missing) };

/** Shown in the page; test/lambdas/api-page.test.ts holds them to the schemas and to what the functions answer. */
export const EXAMPLES = {
  request: { entity_ids: ['c-17', 'c-18'] },
  features: {
    view: VIEW,
    definition_hash: HASH,
    entities: [
      { entity_id: 'c-17', ...found, features: FEATURES, healing: [] },
      { entity_id: 'c-18', status: 'missing', ...unknown },
    ],
  } satisfies z.infer<typeof featuresAnswer>,
  scores: {
    view: VIEW,
    definition_hash: HASH,
    degraded: false,
    entities: [
      {
        entity_id: 'c-17',
        ...found,
        features: FEATURES,
        healing: [],
        score: 0.83,
        ...scored,
        score_age_ms: 0,
        degraded: false,
      },
      { entity_id: 'c-18', status: 'missing', ...unknown, degraded: false, error: missing },
    ],
  } satisfies z.infer<typeof scoreAnswer>,
  degraded: {
    view: VIEW,
    definition_hash: HASH,
    degraded: true,
    entities: [
      {
        entity_id: 'c-17',
        ...found,
        features: FEATURES,
        healing: [],
        score: 0.79,
        ...scored,
        score_age_ms: 5_400_000,
        degraded: true,
      },
      { entity_id: 'c-18', status: 'missing', ...unknown, degraded: false, error: missing },
    ],
  } satisfies z.infer<typeof scoreAnswer>,
  error: { error: 'entity_ids: found array; allowed: 1 to 100 entity ids.' } satisfies z.infer<typeof errorAnswer>,
} as const;

interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly description?: string;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

function sentence(words: string): string {
  return `${words[0]!.toUpperCase()}${words.slice(1)}.`;
}

function typeOf({ type, enum: choices, anyOf, items }: Schema): string {
  if (choices) return choices.map(code).join(', ');
  if (anyOf) return anyOf.map(typeOf).join(' or ');
  if (type === 'array') return `list of ${typeOf(items ?? {})}s`;
  return type === 'integer' ? 'whole number' : (type ?? 'value');
}

/** A row a field, with those of its parts behind it. */
function rows({ properties = {}, required = [] }: Schema, path = ''): string[][] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const own = `${path}${name}`;
    const inner = field.properties ? field : field.items?.properties ? field.items : undefined;
    const below = inner ? rows(inner, `${own}${field.items ? '[].' : '.'}`) : [];
    const when = required.includes(name) ? '' : ' (may be absent)';
    return [[code(own), `${typeOf(field)}${when}`, field.description ?? ''], ...below];
  });
}

const fields = (schema: z.ZodType) => table(['field', 'type', 'what'], rows(z.toJSONSchema(schema) as Schema));
const json = (value: unknown) => `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;

const STATUSES = [
  ['200', `Every entity has its own answer, also where some have an ${code('error')}.`],
  ['400', 'The request is not as above; nobody was looked at.'],
  ['403', "The request is unsigned, or its role may not call this path; that is API Gateway's answer."],
  ['404', 'Another path, or scores of a use case without a model.'],
  ['409', 'The model in service was trained on another definition than any that is deployed.'],
  [
    '429',
    `More requests than the stage's ${code('api.rateLimit')} and ${code('api.burstLimit')}; API Gateway's answer.`,
  ],
  [
    '503',
    'No view is ready yet, or the model does not answer and nobody who was asked for has an earlier score; try again.',
  ],
];

export function apiPage(): string {
  return page(
    'The API',
    ['lambdas/api/answers.ts', 'docs/generate/api.ts'],
    [
      `An HTTP API, signed by IAM (SigV4, service ${code('execute-api')}); its address is the output ${code('ApiUrl')}.\nFeatures are finalised when they are asked for, whatever the last event's time.\nA request asks for 1 to ${MAX_ENTITIES} entities; an entity that fails does not fail the others.`,
      '## Request',
      `The same for ${code('POST /v1/features')} and ${code('POST /v1/score')}:`,
      json(EXAMPLES.request),
      '## POST /v1/features',
      json(EXAMPLES.features),
      fields(featuresAnswer),
      '## POST /v1/score',
      `A use case without a model has no scores, and answers 404.`,
      json(EXAMPLES.scores),
      fields(scoreAnswer),
      '### Why an entity has no score',
      table(
        ['reason', 'what'],
        Object.entries(FAILURES).map(([reason, words]) => [code(reason), sentence(words)]),
      ),
      '### Degraded answers',
      `States and model have ${MODEL_BUDGET_MS / 1000} s together.\nA model that is not there, fails, is throttled or late by then is not waited for: whoever was scored before is answered with that score, its age in ${code('score_age_ms')} and ${code('degraded: true')}; features are as of now all the same.\nSuch an answer is counted (${code('ScoresDegraded')}), rings [${code('ApiDegraded')}](alarms.md), and is not kept as a prediction.\nAn entity whose state cannot be read is answered in the same way, alone.`,
      json(EXAMPLES.degraded),
      '## Status',
      table(['status', 'what'], STATUSES),
      'Other answers than 200 have one sentence:',
      json(EXAMPLES.error),
      fields(errorAnswer),
    ],
  );
}
