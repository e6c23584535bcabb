import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { hasModel } from '../../core/ir/parts.ts';
import { ModelFailedError, type Prediction, ScoreRefusedError } from '../../engine/ports.ts';
import { predict, predictionsKey } from '../../engine/score/scoring.ts';
import type { ServingVersion } from '../../engine/score/serving-versions.ts';
import { type VectorAnswer, vectorsOf } from '../../engine/score/vectors.ts';
import { METRIC } from '../../names/metrics.ts';
import { PATIENCE } from '../aws/endpoint.ts';
import { readEnvironment } from '../aws/environment.ts';
import { featureAdapters, predictionAdapters } from '../aws/scoring-adapters.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadVersions } from '../aws/use-case.ts';
import { schema, scoring as scoringSchema } from './env.ts';
import { type ApiAnswer, BadRequestError, parseRequest } from './requests.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const versions = loadVersions(import.meta.dirname);
/** Null in a use case of events and features alone. */
const scoring = hasModel(versions[0]!.ir)
  ? predictionAdapters(readEnvironment(scoringSchema), versions, PATIENCE.api, challengerFailed)
  : null;
const { serving, clock } = scoring ?? featureAdapters(env, versions);

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
  const body = route === 'POST /v1/features' ? await features(entity_ids, now) : await scores(entity_ids, now);
  telemetry.count(METRIC.staleVectors, body.entities.filter(({ status }) => status === 'missing').length);
  return { status: 200, body };
}

/** The champion answers. */
function challengerFailed(error: Error): void {
  telemetry.count(METRIC.challengerFailed);
  telemetry.warn(error.message);
}

interface VectorsBody {
  /** The version that answers. */
  readonly view: string;
  readonly entities: readonly VectorAnswer[];
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

async function features(entity_ids: readonly string[], now: number): Promise<VectorsBody> {
  const version = await serving.ready();
  const found = await vectors(version, entity_ids, now);
  return { view: version.usecase.view.version, entities: found.map(({ answer }) => answer) };
}

async function scores(entity_ids: readonly string[], now: number): Promise<VectorsBody> {
  let body: VectorsBody | null = null;
  for await (const turn of serving.turns()) {
    const { usecase } = turn;
    const found = await vectors(turn, entity_ids, now);
    const known = found.flatMap(({ candidate }) => (candidate ? [candidate] : []));
    const assigned = (await scoring?.experiments.assign(known)) ?? known;
    const predictions = await predict(usecase, turn, assigned, 'api', Date.now());
    if (predictions === null) continue;
    if (predictions.length > 0) await scoring?.predictions.put(predictionsKey(predictions), predictions);
    // That nobody is known is said by the first version.
    if (body === null || predictions.length > 0)
      body = { view: usecase.view.version, entities: found.map(({ answer }) => withScore(answer, predictions)) };
  }
  return body!;
}

function withScore(answer: VectorAnswer, predictions: readonly Prediction[]): VectorAnswer {
  const prediction = predictions.find(({ entity_id }) => entity_id === answer.entity_id);
  if (!prediction) return answer;
  const { score, reasons, variant, model_version } = prediction;
  return { ...answer, ...{ score, reasons, variant, model_version } };
}
