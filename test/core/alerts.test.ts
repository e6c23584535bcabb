import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AlertIR } from '../../core/ir/document.ts';
import { type AlertState, decide, linkOf, NEVER_ALERTED, reasons, titleOf } from '../../core/scores/alerts.ts';
import { DAY } from '../../core/values/time.ts';
import { ir, usecase } from '../engine/use-case.ts';

const alerts = ir.alerts;

/** The days (from 0) on which a path of daily scores raises an alert. */
function days(path: readonly number[], rules: AlertIR = alerts): number[] {
  let state: AlertState = NEVER_ALERTED;
  return path.flatMap((score, day) => {
    const { next, raise } = decide(rules, state, score, day * DAY);
    state = next;
    return raise ? [day] : [];
  });
}

describe('decide', () => {
  test.each([
    ['the first score above the threshold', [0.9], [0]],
    ['the threshold itself is not above it', [0.8], []],
    ['once while it stays above', [0.5, 0.9, 0.95, 0.9], [1]],
    ['a dip that stays above the re-arm level is no new crossing', [0.9, 0.7, 0.9], [0]],
    ['the re-arm level itself does not re-arm', [0.9, 0.6, 0.9], [0]],
    ['again after it fell below the re-arm level', [0.9, 0.59, 0.9], [0, 2]],
    ['again when the cool-down is over', [...Array(15).fill(0.9)], [0, 14]],
  ])('%s', (_name, path, expected) => {
    expect(days(path)).toEqual(expected);
  });

  test('between two alerts the score fell below the re-arm level, or the cool-down passed', () => {
    const path = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 60 });
    fc.assert(
      fc.property(path, (scores) => {
        const raised = days(scores);
        for (const [i, day] of raised.entries()) {
          expect(scores[day]!).toBeGreaterThan(alerts.threshold);
          const before = raised[i - 1];
          if (before === undefined) {
            expect(scores.findIndex((score) => score > alerts.threshold)).toBe(day);
          } else {
            const fell = scores.slice(before, day).some((score) => score < alerts.rearm_below);
            expect(fell || (day - before) * DAY >= alerts.cooldown_ms).toBe(true);
          }
        }
      }),
    );
  });
});

describe('reasons', () => {
  const words = (values: readonly (number | null)[], contributions: readonly number[], rules = alerts) =>
    reasons(rules, usecase.view, ir.model, [values[0]!, 0, 0, null, values[1]!], contributions);

  test('the strongest first, only what pushes the score up', () => {
    expect(words([2, 12.4 * DAY], [0.2, 0.9])).toEqual(['nothing bought for 12 days', 'only 2 purchases in a week']);
    expect(words([2, 2.25 * DAY], [-0.2, 0.9])).toEqual(['nothing bought for 2.3 days']);
    expect(words([2, DAY], [-1, 0])).toEqual([]);
  });

  test('a feature without a value is no reason', () => {
    expect(words([null, DAY], [2, 1])).toEqual(['nothing bought for 1.0 days']);
  });

  test('at most as many as the use case wants', () => {
    expect(words([2, DAY], [0.2, 0.9], { ...alerts, top_reasons: 1 })).toEqual(['nothing bought for 1.0 days']);
  });

  test.each([
    ['money', 123_456, '1234.56'],
    ['percent', 0.125, '13 %'],
    ['number', 0.125, '0.13'],
    ['number', 7, '7'],
  ] as const)('%s of %d is written %s', (format, value, expected) => {
    const rules = { ...alerts, reasons: { buys_7d: { text: '{value}', format } } };
    expect(words([value, 0], [1, 0], rules)).toEqual([expected]);
  });
});

test('a title may name the entity, whatever its id looks like', () => {
  expect(titleOf({ ...alerts, title: '{entity_id} is leaving' }, '$&a')).toBe('$&a is leaving');
});

test('an entity id can not break out of the link', () => {
  expect(linkOf(alerts, 'a/b?c=|>d', 5)).toBe('https://example.org/customers/a%2Fb%3Fc%3D%7C%3Ed?t=5');
});
