import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { chunks } from '../../engine/chunks.ts';
import { DIMENSION, METRIC, METRIC_NAMESPACE, type MetricName, SERVICE } from '../../names/metrics.ts';

/** A metric of one line of the log has at most 100 values, and at 100 the library publishes it by itself. */
const MOST_VALUES = 99;

/** Counts and durations of one invocation. Logs hold counts and positions only: payloads and ids are personal data. */
export interface Telemetry {
  count(metric: MetricName, value?: number): void;
  milliseconds(metric: MetricName, value: number): void;
  bytes(metric: MetricName, value: number): void;
  /** A count with one more dimension, beside the plain one. */
  countBy(metric: MetricName, dimension: string, label: string, value: number): void;
  /** A duration with one more dimension, alone. */
  millisecondsBy(metric: MetricName, dimension: string, label: string, value: number): void;
  /** What a model answered, whoever asked. @param threshold above which an alert is raised; null without alerts */
  scores(model_version: string, scores: readonly number[], threshold: number | null): void;
  /** An answer of a model that is no use. */
  answered(metric: MetricName, model_version: string): void;
  info(message: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
  warn(message: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
  error(message: string, error: unknown): void;
  flush(): void;
}

/** @param env of the function: which deployment its metrics are counted for */
export function createTelemetry(env: {
  readonly TIDEMARK_STAGE: string;
  readonly TIDEMARK_USE_CASE: string;
}): Telemetry {
  const logger = new Logger();
  const metrics = new Metrics({
    namespace: METRIC_NAMESPACE,
    defaultDimensions: { [DIMENSION.stage]: env.TIDEMARK_STAGE, [DIMENSION.useCase]: env.TIDEMARK_USE_CASE },
  });
  // Under one service, for all functions that ask together: what rolls a model back may look at one series only.
  const answers = new Metrics({
    namespace: METRIC_NAMESPACE,
    serviceName: SERVICE.model,
    defaultDimensions: { [DIMENSION.stage]: env.TIDEMARK_STAGE, [DIMENSION.useCase]: env.TIDEMARK_USE_CASE },
  });
  /** Of all models together, and of this one. */
  const ofModel = (model_version: string, add: () => void) => {
    answers.addDimensions({});
    answers.addDimensions({ [DIMENSION.modelVersion]: model_version });
    add();
    answers.publishStoredMetrics();
  };
  return {
    scores: (model_version, scores, threshold) => {
      for (const some of chunks(scores, MOST_VALUES))
        ofModel(model_version, () => {
          for (const score of some) {
            answers.addMetric(METRIC.score, MetricUnit.NoUnit, Number(score.toFixed(4)));
            if (threshold !== null)
              answers.addMetric(METRIC.scoreAboveThreshold, MetricUnit.NoUnit, Number(score > threshold));
          }
        });
    },
    answered: (metric, model_version) =>
      ofModel(model_version, () => void answers.addMetric(metric, MetricUnit.Count, 1)),
    count: (metric, value = 1) => void metrics.addMetric(metric, MetricUnit.Count, value),
    milliseconds: (metric, value) => void metrics.addMetric(metric, MetricUnit.Milliseconds, value),
    bytes: (metric, value) => void metrics.addMetric(metric, MetricUnit.Bytes, value),
    countBy: (metric, dimension, label, value) => {
      const single = metrics.singleMetric();
      single.addDimension(dimension, label);
      single.addMetric(metric, MetricUnit.Count, value);
    },
    millisecondsBy: (metric, dimension, label, value) => {
      const single = metrics.singleMetric();
      single.addDimension(dimension, label);
      single.addMetric(metric, MetricUnit.Milliseconds, value);
    },
    info: (message, fields = {}) => logger.info(message, fields),
    warn: (message, fields = {}) => logger.warn(message, fields),
    error: (message, error) => logger.error(message, { name: nameOf(error), detail: messageOf(error) }),
    flush: () => void metrics.publishStoredMetrics(),
  };
}

/** Our errors and the SDK's name fields and resources; neither quotes a payload. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : typeof error;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
