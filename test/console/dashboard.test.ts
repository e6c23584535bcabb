import { describe, expect, test } from '@jest/globals';
import { periodFor } from '../../console/dashboard.ts';
import { horizontalLines, metricRows, parseDashboardBody } from '../../console/dashboard-body.ts';

const rowsOf = (metrics: unknown[][], more: Record<string, unknown> = {}) => {
  const [widget] = parseDashboardBody(
    JSON.stringify({ widgets: [{ type: 'metric', properties: { metrics, ...more } }] }),
  );
  return metricRows(widget?.properties ?? {});
};
const sources = (metrics: unknown[][]) =>
  rowsOf(metrics).map(({ source }) =>
    source.kind === 'metric'
      ? [source.namespace, source.name, ...source.dimensions.map(({ Name, Value }) => `${Name}=${Value}`)]
      : source.expression,
  );

describe('the rows of a metric widget', () => {
  test('with "." and "..." stand for the values above', () => {
    const written = [
      ['AWS/Kinesis', 'GetRecords.Success', 'StreamName', 'a'],
      ['.', 'IncomingRecords', '.', '.'],
      ['...', 'b', { stat: 'Sum' }],
    ];
    expect(sources(written)).toEqual([
      ['AWS/Kinesis', 'GetRecords.Success', 'StreamName=a'],
      ['AWS/Kinesis', 'IncomingRecords', 'StreamName=a'],
      ['AWS/Kinesis', 'IncomingRecords', 'StreamName=b'],
    ]);
  });

  test('keep expressions, hidden rows, axes and the widget-wide statistic', () => {
    const rows = rowsOf(
      [['N', 'a', { id: 'm1', visible: false }], [{ expression: 'm1 * 2', label: 'double', yAxis: 'right' }]],
      { stat: 'p99' },
    );
    expect(rows).toMatchObject([
      { id: 'm1', visible: false, stat: 'p99', axis: 'left', source: { kind: 'metric' } },
      { id: 'w1', visible: true, axis: 'right', label: 'double', source: { kind: 'expression', expression: 'm1 * 2' } },
    ]);
  });
});

test('a band counts as its two lines', () => {
  const horizontal = [{ label: 'high', value: 5 }, [{ value: 1 }, { value: 2, label: 'band' }], { label: 'no value' }];
  const [widget] = parseDashboardBody(
    JSON.stringify({ widgets: [{ type: 'metric', properties: { annotations: { horizontal } } }] }),
  );
  expect(horizontalLines(widget?.properties ?? {})).toEqual([
    { label: 'high', value: 5 },
    { label: '', value: 1 },
    { label: 'band', value: 2 },
  ]);
});

test.each([
  [5 * 60_000, 10],
  [60 * 60_000, 30],
  [3 * 3_600_000, 300],
  [24 * 3_600_000, 900],
  [400 * 86_400_000, 86_400],
])('a range of %d ms has points of %d s', (span, period) => {
  expect(periodFor(span)).toBe(period);
});
