import { describe, expect, test } from '@jest/globals';
import { capturedRows } from '../../../engine/shadow/captured.ts';
import { ShadowComparison } from '../../../engine/shadow/comparison.ts';

const BOUNDS = {
  ...{ seconds: 60, minimumPairs: 4, maxDecisionShare: 0.25, maxScoreDistance: 0.1, maxErrorShare: 0.01 },
  maxLatencyMs: 200,
};
const QUIET = { invocations: 100, errors: 0, latency_ms: 20 };

/** Four vectors; the shadow's scores as given. */
function compared(shadow: readonly unknown[], champion = [0.1, 0.3, 0.6, 0.9], bounds: Partial<typeof BOUNDS> = {}) {
  const comparison = new ShadowComparison({ ...BOUNDS, ...bounds }, 0.5);
  shadow.forEach((score, i) => {
    comparison.answer([i, null], score);
  });
  champion.forEach((score, i) => {
    comparison.predicted({ inputs: [i, null], score });
  });
  return comparison;
}

describe('a shadow is compared on the same vectors', () => {
  test('one that scores alike passes, with its figures', () => {
    const report = compared([0.12, 0.3, 0.6, 0.9]).report(QUIET, QUIET);
    expect(report).toMatchObject({ passed: true, reasons: [], predictions: 4, pairs: 4, decision_share: 0 });
    expect(report.distance?.mean).toBeCloseTo(0.005);
    expect(report.distance?.max).toBeCloseTo(0.02);
    expect(report.above).toEqual({ champion: 0.5, shadow: 0.5 });
  });

  test.each([
    [
      'another decision on half',
      compared([0.1, 0.52, 0.48, 0.9], [0.1, 0.48, 0.52, 0.9]),
      QUIET,
      'share of other decisions at the threshold: found 0.5000',
    ],
    [
      'distant scores',
      compared([0.4, 0.45, 0.9, 1]),
      QUIET,
      'mean distance of scores: found 0.2125; allowed: up to 0.1',
    ],
    ['too few answers', compared([0.1, 0.3]), QUIET, 'predictions that both answered: found 2; allowed: at least 4'],
    ['no probability', compared([0.1, 0.3, 0.6, 0.9, null]), QUIET, 'no probabilities: found 1; allowed: none'],
    ['more than one', compared([0.1, 0.3, 0.6, 0.9, 1.2]), QUIET, 'no probabilities: found 1; allowed: none'],
    [
      'failures',
      compared([0.1, 0.3, 0.6, 0.9]),
      { ...QUIET, errors: 2 },
      'failed requests: found 0.0200; allowed: up to 0.01',
    ],
    [
      'slowness',
      compared([0.1, 0.3, 0.6, 0.9]),
      { ...QUIET, latency_ms: 700 },
      'latency: found 700.0000 ms; allowed: up to 200',
    ],
  ])('%s stops it, and it says by how much', (_, comparison, shadow, words) => {
    const report = comparison.report(QUIET, shadow);
    expect(report.passed).toBe(false);
    expect(report.reasons).toHaveLength(1);
    expect(report.reasons[0]).toContain(words);
  });

  test('without alerts there are no decisions to compare', () => {
    const comparison = new ShadowComparison({ ...BOUNDS, minimumPairs: 1 }, null);
    comparison.answer([1], 0.9);
    comparison.predicted({ inputs: [1], score: 0.95 });
    expect(comparison.report(QUIET, QUIET)).toMatchObject({ passed: true, decision_share: null, above: null });
  });
});

describe('a captured line', () => {
  const line = (input: object, output?: object) =>
    JSON.stringify({
      captureData: { endpointInput: input, ...(output && { endpointOutput: output }) },
      eventMetadata: { eventId: 'a', inferenceTime: '2026-11-28T03:00:00Z' },
      eventVersion: '0',
    });
  const json = (data: string) => ({ observedContentType: 'application/json', mode: 'INPUT', data, encoding: 'JSON' });
  const request = '{"instances":[[1,null],[2,0.5]],"definition_hash":"x"}';

  test('gives each row with its score', () => {
    expect(capturedRows(line(json(request), json('{"predictions":[{"score":0.1},{"score":0.2}]}')))).toEqual([
      { inputs: [1, null], score: 0.1 },
      { inputs: [2, 0.5], score: 0.2 },
    ]);
  });

  test('in base64 means the same', () => {
    const packed = { ...json(Buffer.from(request).toString('base64')), encoding: 'BASE64' };
    expect(capturedRows(line(packed, json('{"predictions":[{"score":0.1},{"score":0.2}]}')))).toHaveLength(2);
  });

  test('of an answer that is no JSON has no score, and one without an answer no row', () => {
    const rows = capturedRows(line(json(request), json('{"predictions":[{"score":NaN},{"score":NaN}]}')));
    expect(rows.map(({ score }) => score)).toEqual([undefined, undefined]);
    expect(capturedRows(line(json(request)))).toEqual([]);
  });

  test('of another shape is an error', () => {
    expect(() => capturedRows('{"captureData":{}}')).toThrow();
  });
});
