import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { CARRIAGE_OPTIONS } from '../../core/ir/source-options.ts';
import { take } from '../../engine/intake/take.ts';
import { DIMENSION, METRIC } from '../../names/metrics.ts';
import { reportDrift } from '../aws/drift.ts';
import { readEnvironment } from '../aws/environment.ts';
import { intakePorts, loadSource, reportTaken } from '../aws/intake.ts';
import { patient } from '../aws/patience.ts';
import { type Redriven, redriven } from '../aws/redriven.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import type { Answer } from './answers.ts';
import { schema } from './env.ts';
import { answer, type FrontDoor } from './front-door.ts';
import { SourceKeys } from './keys.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const source = await loadSource(import.meta.dirname, env);
const ports = intakePorts(env, source);
const secrets = new SecretsManagerClient(patient());
/** An HTTP API answers 503 after 30 s by itself: no try begins after this (ms). */
const PATIENCE_MS = 20_000;

const readSecret = async () =>
  (await secrets.send(new GetSecretValueCommand({ SecretId: env.SECRET_ARN }))).SecretString ?? '';

const door: FrontDoor = {
  envelope: source.ir.envelope,
  options: CARRIAGE_OPTIONS.http.parse(source.ir.via.find(({ kind }) => kind === 'http')?.options ?? {}),
  keys: new SourceKeys(readSecret, Date.now, (error) => telemetry.error('newer keys can not be read', error)),
  intake: source.intake,
  take: async (record, taken) => {
    const expired = () => Date.now() - record.context.received_ms > PATIENCE_MS;
    const result = await take([record], { ...source, intake: () => taken }, ports, { expired });
    reportTaken(telemetry, source.name, result);
    return result;
  },
  now: Date.now,
  onError: (error) => telemetry.error('a request could not be taken', error),
};

/**
 * `POST /v1/in/<source>`: 2xx once the stream has all of it, 4xx for what no retry mends, 503 for what one does. What was
 * refused comes once more by a call that is no request, whose caller IAM has let in.
 */
export async function handler(
  event: APIGatewayProxyEventV2,
): Promise<APIGatewayProxyStructuredResultV2 | Redriven['answer']> {
  const began = Date.now();
  const again = await redriven(event, source, ports, { expired: () => Date.now() - began > PATIENCE_MS });
  if (again) reportTaken(telemetry, source.name, again.result);
  const answered = again?.answer ?? counted(await answer(door, event));
  await reportDrift(telemetry, ports.watch);
  telemetry.flush();
  return answered;
}

function counted(answered: Answer): Answer {
  const { statusCode } = answered;
  if (statusCode >= 500) telemetry.countBy(METRIC.intakeUnanswered, DIMENSION.source, source.name, 1);
  else if (statusCode >= 400) telemetry.countBy(METRIC.intakeTurnedAway, DIMENSION.source, source.name, 1);
  telemetry.info('request', { source: source.name, status: statusCode });
  return answered;
}
