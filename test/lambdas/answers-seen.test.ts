/** What the functions see of a model's answers: what rolls a bad one back. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { ModelFailedError } from '../../engine/ports.ts';
import { runtimeClient, SageMakerEndpoint } from '../../lambdas/aws/endpoint.ts';
import { createTelemetry } from '../../lambdas/aws/telemetry.ts';
import { METRIC } from '../../names/metrics.ts';

let server: Server;
let answers: string[];
/** Of the container's refusal; 0: it answers. */
let refusal = 0;
const before = { ...process.env };

beforeEach(async () => {
  answers = [];
  refusal = 0;
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('x-Amzn-Invoked-Production-Variant', 'champion');
      if (refusal > 0) {
        response.writeHead(424, { 'x-amzn-ErrorType': 'ModelError', 'Content-Type': 'application/json' });
        response.end(JSON.stringify({ OriginalStatusCode: refusal, OriginalMessage: answers[0] }));
        return;
      }
      response.end(answers.length > 1 ? answers.shift() : answers[0]);
    });
  });
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
});
afterEach(() => {
  server.close();
  process.env = { ...before };
  jest.restoreAllMocks();
});

const answer = (score: string, model = 'new') =>
  `{"predictions":[{"score":${score},"contributions":[0]}],"model_version":"${model}","definition_hash":"known"}`;

function endpoint(patience_ms: number) {
  const seen: Array<[string, unknown]> = [];
  const client = runtimeClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } },
  });
  const asked = new SageMakerEndpoint(client, 'one', 'known', patience_ms, {
    scores: (model_version, scores) => void seen.push([model_version, scores]),
    invalid: (model_version) => void seen.push(['invalid', model_version]),
    refused: (model_version, trained_on) => void seen.push([`refused by ${model_version}`, trained_on]),
  });
  return { asked, seen };
}

test('scores are told by the model that gave them', async () => {
  answers = [answer('0.25')];
  const { asked, seen } = endpoint(0);
  expect(await asked.score([[1]])).toMatchObject({ model_version: 'new', variant: 'champion' });
  expect(seen).toEqual([['new', [0.25]]]);
});

test.each(['NaN', '-Infinity', 'null', '1.5'])(
  '%s is no score: whose it is is told, and the other fleet asked',
  async (score) => {
    answers = [answer(score), answer('0.5', 'old')];
    const { asked, seen } = endpoint(5000);
    expect(await asked.score([[1]])).toMatchObject({ model_version: 'old' });
    expect(seen).toEqual([
      ['invalid', 'new'],
      ['old', [0.5]],
    ]);
  },
);

test('an answer that nobody can read has no author, and ends as a failure of the model', async () => {
  answers = ['NaN is what I say'];
  const { asked, seen } = endpoint(0);
  await expect(asked.score([[1]])).rejects.toThrow(ModelFailedError);
  expect(seen[0]).toEqual(['invalid', undefined]);
});

test('a refusal says whose it is and what it was trained on, where it is in our words', async () => {
  refusal = 409;
  answers = ['{"error":"another definition","definition_hash":"other","model_version":"new"}'];
  const { asked, seen } = endpoint(0);
  await expect(asked.score([[1]])).rejects.toMatchObject({ kind: 'mismatch', trained_on: 'other' });
  answers = ['<h1>Not Found</h1>'];
  await expect(asked.score([[1]])).rejects.toMatchObject({ kind: 'mismatch', trained_on: undefined });
  expect(seen).toEqual([['refused by new', 'other']]);
});

test('scores are counted for all models and for the one, under one service', () => {
  Object.assign(process.env, {
    ...{ POWERTOOLS_SERVICE_NAME: 'sweep', POWERTOOLS_DEV: 'true', POWERTOOLS_METRICS_DISABLED: 'false' },
  });
  const printed = jest.spyOn(console, 'log').mockImplementation(() => {});
  const telemetry = createTelemetry({ TIDEMARK_STAGE: 'prod', TIDEMARK_USE_CASE: 'churn' });
  telemetry.scores(
    'churn-1',
    Array.from({ length: 150 }, (_, i) => i / 150),
    0.5,
  );
  telemetry.answered(METRIC.scoresInvalid, 'churn-2');
  const documents = printed.mock.calls.map(([line]) => JSON.parse(String(line)));
  const [first, second, invalid] = documents;
  for (const document of documents)
    expect(document._aws.CloudWatchMetrics[0].Dimensions.map((names: string[]) => [...names].sort())).toEqual([
      ['service', 'stage', 'usecase'],
      ['model_version', 'service', 'stage', 'usecase'],
    ]);
  expect(first).toMatchObject({ service: 'model', stage: 'prod', usecase: 'churn', model_version: 'churn-1' });
  // A document holds at most 100 values of a metric.
  expect([first.ModelScore.length, second.ModelScore.length]).toEqual([99, 51]);
  expect([...first.ScoreAboveThreshold, ...second.ScoreAboveThreshold].filter(Boolean)).toHaveLength(74);
  expect(invalid).toMatchObject({ model_version: 'churn-2', ScoresInvalid: 1 });
});
