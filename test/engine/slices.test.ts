/** Which entities a run of the sweep looks at, and which of them it scores. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DAY, HOUR, MINUTE } from '../../core/values/time.ts';
import { isDue } from '../../engine/score/due.ts';
import { everyPart, sliceOf } from '../../engine/score/slices.ts';

const START = Date.UTC(2026, 0, 1);

test('the runs of a day look at every part once, wherever the day begins', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(5, 15, 60, 90, 720, 1440),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 0, max: 10 * DAY }),
      (minutes, workers, from) => {
        const runs = DAY / (minutes * MINUTE);
        const slices = Array.from({ length: runs }, (_, i) =>
          sliceOf(START + from + i * minutes * MINUTE, minutes, workers),
        );
        const parts = slices.flatMap((slice) => slice.parts);
        expect(new Set(slices.map((slice) => slice.total))).toEqual(new Set([parts.length]));
        expect([...parts].sort((a, b) => a - b)).toEqual(parts.map((_, i) => i));
        // DynamoDB takes up to a million segments.
        expect(slices[0]!.total).toBeLessThanOrEqual(1_000_000);
      },
    ),
  );
});

test('an interval that does not divide the day leaves nobody out for longer than a day', () => {
  for (const minutes of [7, 11, 100, 1000]) {
    const seen = new Map<number, number>();
    for (let at = START; at < START + 5 * DAY; at += minutes * MINUTE) {
      const { total, parts } = sliceOf(at, minutes, 1);
      for (const part of parts) {
        expect(at - (seen.get(part) ?? START)).toBeLessThanOrEqual(DAY);
        seen.set(part, at);
      }
      if (at > START + DAY) expect(seen.size).toBe(total);
    }
  }
});

test('a run that comes late, or again, has the slice of its schedule', () => {
  const { parts } = sliceOf(START + 3 * HOUR, 60, 8);
  expect(sliceOf(START + 3 * HOUR + 59 * MINUTE, 60, 8).parts).toEqual(parts);
  expect(everyPart(3)).toEqual({ total: 3, parts: [0, 1, 2] });
});

test('nobody is without a score for longer than a day and an hour, active or silent, and is looked at once a day', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 23 }),
      fc.array(fc.integer({ min: 0, max: 30 * 24 * 60 }), { maxLength: 60 }),
      (slot, events) => {
        const scored = events.map((minute) => START + minute * MINUTE).sort((a, b) => a - b);
        const times: number[] = [START];
        let looks = 0;
        let sweeps = 0;
        for (let run = 0; run < 30 * 24; run++) {
          const now = START + run * HOUR;
          while (scored.length > 0 && scored[0]! <= now) times.push(scored.shift()!);
          const { total, parts } = sliceOf(now, 60, 1);
          if (!parts.includes(slot * (total / 24))) continue;
          looks++;
          if (!isDue({ t: times.at(-1)! }, now, HOUR)) continue;
          times.push(now);
          sweeps++;
        }
        expect(looks).toBe(30);
        expect(sweeps).toBeLessThanOrEqual(30);
        for (const [i, t] of times.slice(1).entries()) expect(t - times[i]!).toBeLessThanOrEqual(DAY + HOUR);
      },
    ),
  );
});

test.each([
  [undefined, HOUR, true],
  [HOUR - 1, HOUR, false],
  [HOUR, HOUR, true],
  [DAY - 1, null, false],
  [DAY, null, true],
])('a score of %p ms ago, runs each %p ms: due %p', (age, interval, due) => {
  expect(isDue(age === undefined ? undefined : { t: START - age }, START, interval)).toBe(due);
});
