/**
 * Asks an endpoint all the time, as the functions do, until its standard input ends: `ask_endpoint.ts <endpoint> <use case>`.
 * Prints a line a request, `{"answered": <model>}` or `{"unscored": <error>}`, and the metrics that the functions would log.
 */
import { once } from 'node:events';
import type { StateStore } from '../../../engine/ports.ts';
import { ServingVersions } from '../../../engine/score/serving-versions.ts';
import type { LoadedUseCase } from '../../../engine/use-case.ts';
import { PATIENCE, runtimeClient, SageMakerEndpoint } from '../../../lambdas/aws/endpoint.ts';
import { createTelemetry } from '../../../lambdas/aws/telemetry.ts';
import { METRIC } from '../../../names/metrics.ts';

const [endpoint, usecase] = process.argv.slice(2) as [string, string];
const WORKERS = 4;
const ROWS = 20;
const THRESHOLD = 0.5;

const telemetry = createTelemetry({ TIDEMARK_STAGE: 'prod', TIDEMARK_USE_CASE: usecase });
const serving = new ServingVersions(
  [
    {
      usecase: { view: { version: 'one', definition_hash: 'known' } } as LoadedUseCase,
      states: { ready: async () => true } as StateStore,
      endpoint: new SageMakerEndpoint(runtimeClient(), endpoint, 'known', PATIENCE.stream, {
        scores: (model_version, scores) => telemetry.scores(model_version, scores, THRESHOLD),
        invalid: (model_version) => telemetry.answered(METRIC.scoresInvalid, model_version ?? 'unknown'),
        refused: (model_version) => telemetry.answered(METRIC.definitionUnknown, model_version),
      }),
    },
  ],
  Date.now,
);

let over = false;
async function ask(): Promise<void> {
  while (!over) {
    // Scores as high as the first input is: a quarter at the mean.
    const rows = Array.from({ length: ROWS }, () => [Math.random() / 2]);
    try {
      for await (const turn of serving.turns()) {
        const answer = await turn.score(rows);
        if (answer) console.log(JSON.stringify({ answered: answer.model_version }));
      }
    } catch (error) {
      console.log(JSON.stringify({ unscored: String(error) }));
    }
  }
}

process.stdin.resume();
const workers = Array.from({ length: WORKERS }, ask);
await once(process.stdin, 'end');
over = true;
await Promise.all(workers);
