import { describe, expect, test } from '@jest/globals';
import { METRIC, METRIC_NAMESPACE } from '../../names/metrics.ts';
import { DOCUMENTED, type NamedMetric, namedMetrics, unknownMetrics } from './metrics.ts';
import { STAGES } from './synthesised.ts';
import { Templates } from './templates.ts';

describe.each(STAGES)('metrics that alarms and graphs of %s name', (stage) => {
  test('are documented by their service or emitted by our code, with these dimensions', async () => {
    const templates = await Templates.of(stage);
    const metrics = namedMetrics(templates);
    expect(metrics.length).toBeGreaterThan(80);
    expect(unknownMetrics(metrics)).toEqual([]);
    const used = new Set(metrics.map(({ namespace }) => namespace));
    // In dev there is no endpoint.
    const named = Object.keys(DOCUMENTED).filter((name) => stage !== 'dev' || name !== 'AWS/SageMaker');
    expect([...used].sort()).toEqual([...named, METRIC_NAMESPACE].sort());
  });
});

describe('the check of metrics', () => {
  test.each<[string, (metric: NamedMetric) => boolean, (metric: NamedMetric) => NamedMetric]>([
    [
      'a misspelt metric of a service',
      ({ namespace }) => namespace === 'AWS/Kinesis',
      (metric) => ({ ...metric, name: 'WriteProvisionedThroughputExceed' }),
    ],
    [
      'a dimension that the metric does not come with',
      ({ namespace }) => namespace === 'AWS/SageMaker',
      (metric) => ({ ...metric, dimensions: { EndpointName: 'tiny' } }),
    ],
    [
      'a metric of ours without its stage',
      ({ name }) => name === METRIC.freshnessMs,
      (metric) => ({ ...metric, dimensions: { service: 'scorer' } }),
    ],
    [
      'a metric of ours by a function that does not emit it',
      ({ name }) => name === METRIC.freshnessMs,
      (metric) => ({ ...metric, dimensions: { ...metric.dimensions, service: 'archiver' } }),
    ],
    [
      'a reason on a metric that has none',
      ({ name }) => name === METRIC.driftFields,
      (metric) => ({ ...metric, dimensions: { ...metric.dimensions, reason: 'oversize' } }),
    ],
    [
      'a namespace that nobody documents',
      ({ namespace }) => namespace === 'AWS/States',
      (metric) => ({ ...metric, namespace: 'AWS/StepFunctions' }),
    ],
  ])('finds %s', async (_, is, change) => {
    const metrics = namedMetrics(await Templates.of('prod'));
    const changed = metrics.map((metric) => (is(metric) ? change(metric) : metric));
    expect(changed).not.toEqual(metrics);
    expect(unknownMetrics(changed)).not.toEqual([]);
  });
});
