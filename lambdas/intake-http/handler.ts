import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { verifyHmac } from '../../core/intake/signatures/hmac.ts';
import { CARRIAGE_OPTIONS } from '../../core/ir/source-options.ts';
import { take } from '../../engine/intake/take.ts';
import { dynamoClient } from '../aws/dynamo/client.ts';
import { readEnvironment } from '../aws/environment.ts';
import { intakePorts, loadSource, reportTaken } from '../aws/intake.ts';
import { patient } from '../aws/patience.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { schema } from './env.ts';
import { SourceKeys } from './source-keys.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const source = await loadSource(import.meta.dirname, env);
const options = CARRIAGE_OPTIONS.http.parse(source.ir.via.find(({ kind }) => kind === 'http')?.options ?? {});
const clients = { kinesis: new KinesisClient(patient()), s3: new S3Client(patient()), dynamo: dynamoClient() };
const ports = intakePorts(clients, env, source);
const keys = new SourceKeys(new SecretsManagerClient(patient()), env.SECRET_ARN);
/** An HTTP API answers 503 after 30 s by itself: no try begins after this (ms). */
const PATIENCE_MS = 20_000;

interface Answer {
  readonly status: number;
  readonly body: object;
}

/** `POST /v1/in/<source>`: 200 once the stream has all of it, 4xx for what no retry mends, 503 for what one does. */
export async function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  const answer = await answerTo(event).catch((error: unknown): Answer => {
    telemetry.error('a request could not be taken', error);
    return { status: 503, body: { error: 'This could not be taken at present; send it again.' } };
  });
  telemetry.flush();
  return {
    statusCode: answer.status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(answer.body),
  };
}

async function answerTo(event: APIGatewayProxyEventV2): Promise<Answer> {
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  const now = Date.now();
  const { verify } = options;
  const request = {
    body,
    signature: event.headers[verify.signature.toLowerCase()],
    timestamp: event.headers[verify.timestamp.toLowerCase()],
  };
  const why = await keys.check((current) => verifyHmac(request, current, now, verify.toleranceSeconds));
  if (why !== null) return { status: 401, body: { error: why } };
  const record = { raw: body, context: { received_ms: now, carriage: 'http' as const } };
  const result = await take([record], source, ports, { expired: () => Date.now() - now > PATIENCE_MS });
  reportTaken(telemetry, source.name, result);
  if (result.failed.length > 0)
    return { status: 503, body: { error: 'The stream did not take all of it; send it again.' } };
  return { status: 200, body: {} };
}
