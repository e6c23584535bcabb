import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { METRIC } from '../../names/metrics.ts';
import { dynamoClient } from '../aws/dynamo/client.ts';
import { readEnvironment } from '../aws/environment.ts';
import { patient } from '../aws/patience.ts';
import { slackSecretIn } from '../aws/slack-secret.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { SourceKeys } from '../intake-http/keys.ts';
import { answer, type OutcomeDoor } from './door.ts';
import { schema } from './env.ts';
import { DynamoOutcomes } from './store.ts';
import { tellSlack } from './tell.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const secrets = new SecretsManagerClient(patient());

/** As the keys of a source are read: seldom, and again when a signature does not match. */
async function readKeys(): Promise<string> {
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: env.SLACK_SECRET_ARN }));
  const { signing_secret } = slackSecretIn(SecretString);
  return JSON.stringify({ keys: signing_secret === '' ? [] : [signing_secret] });
}

const door: OutcomeDoor = {
  keys: new SourceKeys(readKeys, Date.now, (error) => telemetry.error('a newer signing secret can not be read', error)),
  store: new DynamoOutcomes(dynamoClient(), env.SCORES_TABLE, env.SCORES_KEPT_DAYS),
  tell: (url, text) =>
    tellSlack(url, text, env.WEBHOOKS === 'loopback').catch((error: unknown) =>
      telemetry.error('the outcome is kept, and who pressed was not told so', error),
    ),
  now: Date.now,
};

/** `POST /v1/outcomes/slack`: 200 once the outcome is kept; 401 for what is not Slack's; 503 while our stores fail. */
export async function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  try {
    const { answer: answered, kept } = await answer(door, event);
    if (kept) telemetry.count(METRIC.outcomesTaken);
    else if (answered.statusCode !== 200) telemetry.count(METRIC.outcomesRefused);
    telemetry.info('request', { status: answered.statusCode, kept });
    return answered;
  } catch (error) {
    telemetry.error(
      'an outcome could not be kept; no signing secret yet: put it with tidemark webhook --signing-secret',
      error,
    );
    return { statusCode: 503, headers: { 'retry-after': '5' } };
  } finally {
    telemetry.flush();
  }
}
