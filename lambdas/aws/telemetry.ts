import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { DIMENSION, METRIC_NAMESPACE, type MetricName } from '../../names/metrics.ts';

/** Counts and durations of one invocation. Logs hold counts and positions only: payloads and ids are personal data. */
export interface Telemetry {
  count(metric: MetricName, value?: number): void;
  milliseconds(metric: MetricName, value: number): void;
  bytes(metric: MetricName, value: number): void;
  /** A count with one more dimension, beside the plain one. */
  countBy(metric: MetricName, dimension: string, label: string, value: number): void;
  /** A duration with one more dimension, alone. */
  millisecondsBy(metric: MetricName, dimension: string, label: string, value: number): void;
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
  return {
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
