import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { METRIC } from '../../lib/monitoring/metric-names.ts';
import { readEnvironment } from '../shared/environment.ts';
import { ScoreRefusedError } from '../shared/ports.ts';
import { predict, predictionsKey } from '../shared/scoring.ts';
import { predictionAdapters } from '../shared/scoring-adapters.ts';
import { createTelemetry } from '../shared/telemetry.ts';
import { loadUseCase } from '../shared/usecase.ts';
import { schema } from './env.ts';
import { type ApiAnswer, BadRequestError, parseRequest, vectorsOf } from './requests.ts';

const env = readEnvironment(schema);
const usecase = loadUseCase(import.meta.dirname);
const telemetry = createTelemetry(env.TIDEMARK_STAGE);
const aws = predictionAdapters(env, usecase);

/** `POST /v1/features` and `POST /v1/score` for up to 100 entities; finalised now, each with the age of its data. */
export async function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  const answer = await answerTo(event).catch((error: unknown): ApiAnswer => {
    if (error instanceof BadRequestError) return { status: 400, body: { error: error.message } };
    if (error instanceof ScoreRefusedError) {
      telemetry.count(METRIC.scoreRefused);
      return { status: error.kind === 'mismatch' ? 409 : 503, body: { error: error.message } };
    }
    telemetry.error('a request failed', error);
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
  if (route !== 'POST /v1/features' && route !== 'POST /v1/score') {
    return { status: 404, body: { error: 'This path is unknown; there are POST /v1/features and POST /v1/score.' } };
  }
  const body = event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64').toString('utf8') : (event.body ?? '');
  const { entity_ids } = parseRequest(body);
  if (!(await aws.states.ready()))
    throw new ScoreRefusedError('fence: found none; run the job that backfills this view');
  const now = (await aws.clock?.read()) ?? Date.now();
  const stored = await aws.states.read(entity_ids);
  const vectors = vectorsOf(usecase, entity_ids, stored, now);
  const known = vectors.flatMap(({ candidate }) => (candidate ? [candidate] : []));
  telemetry.count(METRIC.staleVectors, vectors.length - known.length);
  if (route === 'POST /v1/features') {
    return { status: 200, body: { view: usecase.view.version, entities: vectors.map((vector) => vector.answer) } };
  }
  const predictions = await predict(usecase, aws.endpoint, known, 'api', Date.now());
  if (predictions.length > 0) await aws.predictions.put(predictionsKey(predictions), predictions);
  const byEntity = new Map(predictions.map((prediction) => [prediction.entity_id, prediction]));
  const entities = vectors.map(({ answer }) => {
    const prediction = byEntity.get(answer.entity_id);
    if (!prediction) return answer;
    const { score, reasons, variant, model_version } = prediction;
    return { ...answer, score, reasons, variant, model_version };
  });
  return { status: 200, body: { view: usecase.view.version, entities } };
}
