import { afterEach, expect, jest, test } from '@jest/globals';
import { createTelemetry } from '../../lambdas/aws/telemetry.ts';
import { DIMENSION, METRIC } from '../../names/metrics.ts';

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
  jest.restoreAllMocks();
});

test('every metric carries service, stage and use case, and quarantined records their reason beside', () => {
  Object.assign(process.env, {
    ...{ POWERTOOLS_SERVICE_NAME: 'processor', POWERTOOLS_DEV: 'true', POWERTOOLS_METRICS_DISABLED: 'false' },
  });
  const printed = jest.spyOn(console, 'log').mockImplementation(() => {});
  const telemetry = createTelemetry({ TIDEMARK_STAGE: 'prod', TIDEMARK_USE_CASE: 'churn' });
  telemetry.count(METRIC.eventsAdmitted, 7);
  telemetry.countBy(METRIC.quarantined, DIMENSION.reason, 'MALFORMED_JSON', 2);
  telemetry.flush();
  const documents = printed.mock.calls.map(([line]) => JSON.parse(String(line)));
  const named = new Map(documents.map((document) => [document._aws.CloudWatchMetrics[0].Metrics[0].Name, document]));
  expect([...named.keys()].sort()).toEqual(['EventsAdmitted', 'Quarantined']);
  for (const [name, document] of named) {
    expect(document).toMatchObject({ service: 'processor', stage: 'prod', usecase: 'churn' });
    const [dimensions] = document._aws.CloudWatchMetrics[0].Dimensions;
    const reason = name === 'Quarantined' ? ['reason'] : [];
    expect([...dimensions].sort()).toEqual([...reason, 'service', 'stage', 'usecase']);
  }
});
