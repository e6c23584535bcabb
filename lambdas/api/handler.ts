import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { z } from 'zod';
import { hasModel } from '../../core/ir/parts.ts';
import { ModelFailedError, ScoreRefusedError } from '../../engine/ports.ts';
import { predictionsKey } from '../../engine/score/scoring.ts';
import type { ServingVersion } from '../../engine/score/serving-versions.ts';
import { vectorsOf } from '../../engine/score/vectors.ts';
import { METRIC } from '../../names/metrics.ts';
import { lastScores } from '../aws/dynamo/last-scores.ts';
import { PATIENCE } from '../aws/endpoint.ts';
import { readEnvironment } from '../aws/environment.ts';
import { featureAdapters, predictionAdapters } from '../aws/scoring-adapters.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadVersions } from '../aws/use-case.ts';
import type { FeaturesAnswer, ScoreAnswer } from './answers.ts';
import { schema, scoring as scoringSchema } from './env.ts';
import { type ApiAnswer, BadRequestError, parseRequest } from './requests.ts';
import { scoresOf } from './scores.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const versions = loadVersions(import.meta.dirname);
/** Null in a use case of events and features alone. */
const scoring = hasModel(versions[0]!.ir) ? scoringOf(readEnvironment(scoringSchema)) : null;
const { serving, clock } = scoring ?? featureAdapters(env, versions);

function scoringOf(full: z.infer<typeof scoringSchema>) {
  return { ...predictionAdapters(full, versions, PATIENCE.api), table: full.SCORES_TABLE };
}

/** `POST /v1/features` and `POST /v1/score` for up to 100 entities; finalised now, each with the age of its data. */
export async function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  const answer = await answerTo(event).catch((error: unknown): ApiAnswer => {
    if (error instanceof BadRequestError) return { status: 400, body: { error: error.message } };
    if (error instanceof ScoreRefusedError) {
      telemetry.count(METRIC.scoreRefused);
      return { status: error.kind === 'mismatch' ? 409 : 503, body: { error: error.message } };
    }
    telemetry.error('a request failed', error);
    if (error instanceof ModelFailedError) {
      return { status: 503, body: { error: 'The model does not answer at present; try again.' } };
    }
    return {
      status: 500,
      body: { error: 'The request failed here; try again, and look at the log of the API if it stays.' },
    };
  });
  telemetry.count(METRIC.apiRequests);
  telemetry.info('request', { status: answer.status });
  telemetry.flush();
  return {
    statusCode: answer.status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(answer.body),
  };
}

async function answerTo(event: APIGatewayProxyEventV2): Promise<ApiAnswer> {
  const { rawPath, requestContext } = event;
  const route = `${requestContext.http.method} ${rawPath.replace(/^.*(?=\/v1\/)/, '')}`;
  if (route === 'POST /v1/score' && scoring === null) {
    const error = 'This use case has no model, so nobody has a score; POST /v1/features answers with features.';
    return { status: 404, body: { error } };
  }
  if (route !== 'POST /v1/features' && route !== 'POST /v1/score') {
    return { status: 404, body: { error: 'This path is unknown; there are POST /v1/features and POST /v1/score.' } };
  }
  const text = event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64').toString('utf8') : (event.body ?? '');
  const { entity_ids } = parseRequest(text);
  const now = (await clock?.read()) ?? Date.now();
  const body =
    route === 'POST /v1/score' && scoring ? await scores(scoring, entity_ids, now) : await features(entity_ids, now);
  telemetry.count(METRIC.staleVectors, body.entities.filter(({ status }) => status === 'missing').length);
  return { status: 200, body };
}

async function vectors(
  { usecase, states }: Pick<ServingVersion, 'usecase' | 'states'>,
  entity_ids: readonly string[],
  now: number,
) {
  const damaged = new Set<string>();
  const unreadable = (entity_id: string, error: unknown) => {
    damaged.add(entity_id);
    telemetry.count(METRIC.statesUnreadable);
    telemetry.error('a state can not be read', error);
  };
  return vectorsOf(usecase, entity_ids, await states.read(entity_ids, unreadable), now, { damaged, unreadable });
}

async function features(entity_ids: readonly string[], now: number): Promise<FeaturesAnswer> {
  const version = await serving.ready();
  const found = await vectors(version, entity_ids, now);
  const { version: view, definition_hash } = version.usecase.view;
  return { view, definition_hash, entities: found.map(({ answer }) => answer) };
}

async function scores(
  { dynamo, predictions, experiments, table }: NonNullable<typeof scoring>,
  entity_ids: readonly string[],
  now: number,
): Promise<ScoreAnswer> {
  const answer = await scoresOf(
    {
      ...{ serving, vectors, experiments },
      lastScores: (ids) => lastScores(dynamo, table, ids),
      keep: (served) => predictions.put(predictionsKey(served), served),
      onDegraded: (error) => telemetry.warn('answered with earlier scores', { because: error.message }),
    },
    entity_ids,
    now,
  );
  // Of single states that can't be read there is a metric already.
  if (answer.degraded)
    telemetry.count(METRIC.scoresDegraded, answer.entities.filter(({ degraded }) => degraded).length);
  return answer;
}
