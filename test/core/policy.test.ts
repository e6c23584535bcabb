import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AlertIR } from '../../core/ir/document.ts';
import {
  dispositionOf,
  expectedValue,
  isDoubted,
  isHeldOut,
  isQuiet,
  LONGEST_WAIT,
  turnsOf,
  type WaitingAlert,
} from '../../core/scores/policy.ts';
import { DAY, HOUR } from '../../core/values/time.ts';
import { localTime, timeZoneOf } from '../../core/values/time-zone.ts';
import { ir } from '../engine/use-case.ts';

const base: AlertIR = { ...ir.alerts, hold_out: 0 };
const view = ir.views[0]!;
/** Features of the view: buys_7d, spent_28d, shops_28d, last_note, silence. */
const values = (spent: number | null, note: string | null = null) => [1, spent, 1, note, DAY];
const raised = (score: number, spent: number | null, note?: string) => ({
  entity_id: 'ann',
  score,
  values: values(spent, note ?? null),
});
const zones = ['Europe/Berlin', 'America/New_York'].map((name) => timeZoneOf(name, 'test'));
const night: NonNullable<AlertIR['quiet_hours']> = { from_ms: 21 * HOUR, to_ms: 8 * HOUR, zones };

describe('hold-out', () => {
  test('is by sha256 of the use case and the entity, and the same for ever', () => {
    // By hand: the first 13 hex digits over 2^52.
    const digits = createHash('sha256').update('shop/hold-out\0Zoë').digest('hex').slice(0, 13);
    const share = Number.parseInt(digits, 16) / 2 ** 52;
    expect(isHeldOut({ ...base, hold_out: share }, 'shop', 'Zoë')).toBe(false);
    expect(isHeldOut({ ...base, hold_out: share + 1e-9 }, 'shop', 'Zoë')).toBe(true);
  });

  test('takes its share, a tenth where nothing is said, and another tenth in another use case', () => {
    const { hold_out: _, ...silent } = base;
    const held = (use_case: string, of: AlertIR) =>
      Array.from({ length: 20_000 }, (_, i) => i).filter((i) => isHeldOut(of, use_case, `household-${i}`));
    const [ours, theirs] = [held('shop', silent), held('bank', silent)];
    // 4 standard deviations of a binomial.
    expect(Math.abs(ours.length - 2000)).toBeLessThan(4 * Math.sqrt(20_000 * 0.1 * 0.9));
    const both = ours.filter((i) => theirs.includes(i)).length;
    expect(Math.abs(both - 200)).toBeLessThan(4 * Math.sqrt(20_000 * 0.01 * 0.99));
    expect(held('shop', base)).toEqual([]);
    // Who is in a small hold-out is in every larger one.
    const wider = new Set(held('shop', { ...base, hold_out: 0.3 }));
    expect(ours.every((i) => wider.has(i))).toBe(true);
  });
});

describe('expected value', () => {
  const money: AlertIR = {
    ...base,
    value: { feature: 'spent_28d', scale: 2 },
    expected_response: 0.1,
    contact_cost: 50,
  };

  test('is probability × worth × response − cost, in minor units', () => {
    expect(expectedValue(money, 0.9, 2000)).toBeCloseTo(130, 10);
    expect(expectedValue(money, 0.9, null)).toBe(-50);
    expect(expectedValue(base, 0.9, null)).toBe(0.9);
  });

  test('who is expected to bring less than the contact costs is left alone', () => {
    expect(dispositionOf(money, 'shop', view, raised(0.9, 1000), false)).toEqual({ as: 'told' });
    const left = { as: 'suppressed', rule: 'value' };
    expect(dispositionOf(money, 'shop', view, raised(0.9, 250), false)).toEqual(left);
    expect(dispositionOf(money, 'shop', view, raised(0.9, null), false)).toEqual(left);
  });
});

describe('what becomes of a raised alert', () => {
  test('told at once without capacity and night, else it waits with what its turn needs', () => {
    expect(dispositionOf(base, 'shop', view, raised(0.9, 5), false)).toEqual({ as: 'told' });
    const capped: AlertIR = { ...base, capacity_per_day: 3, value: { feature: 'spent_28d', scale: 100 } };
    expect(dispositionOf(capped, 'shop', view, raised(0.9, 5), false)).toEqual({ as: 'waits', worth: 500, zone: null });
    const zoned: AlertIR = { ...base, quiet_hours: { ...night, zone_feature: 'last_note' } };
    const zoneOf = (note?: string) => dispositionOf(zoned, 'shop', view, raised(0.9, 5, note), false);
    expect(zoneOf('America/New_York')).toEqual({ as: 'waits', worth: null, zone: 'America/New_York' });
    expect([zoneOf('Mars/Olympus'), zoneOf()]).toEqual(
      Array(2).fill({ as: 'waits', worth: null, zone: 'Europe/Berlin' }),
    );
  });

  test('nobody is told by a model in doubt, and nobody who is held out', () => {
    expect(dispositionOf(base, 'shop', view, raised(0.9, 5), true)).toEqual({ as: 'suppressed', rule: 'guard' });
    const all = { ...base, hold_out: 0.5 };
    const rules = ['ann', 'bob', 'cid', 'dan', 'eve', 'fay'].map(
      (entity_id) => dispositionOf(all, 'shop', view, { ...raised(0.9, 5), entity_id }, false).as,
    );
    expect(new Set(rules)).toEqual(new Set(['told', 'suppressed']));
    // Where alerts have turns, it shows at its turn.
    const capped: AlertIR = { ...all, capacity_per_day: 1 };
    expect(dispositionOf(capped, 'shop', view, raised(0.9, 5), false).as).toBe('waits');
  });
});

describe('the guard', () => {
  const guarded: AlertIR = { ...base, guard: { share: 0.2, window_ms: DAY } };
  test.each([
    [{ scored: 100, above: 20 }, false],
    [{ scored: 100, above: 21 }, true],
    [{ scored: 49, above: 49 }, false],
    [{ scored: 50, above: 11 }, true],
    [{ scored: 0, above: 0 }, false],
  ])('%j: %s', (rate, doubted) => expect(isDoubted(guarded, rate)).toBe(doubted));
  test('says nothing where there is none', () => expect(isDoubted(base, { scored: 100, above: 100 })).toBe(false));
});

describe('night', () => {
  const at = (text: string, zone: string, hours = night) =>
    isQuiet({ ...base, quiet_hours: hours }, zone, Date.parse(text));
  test.each([
    ['2026-07-01T18:59:59Z', 'Europe/Berlin', false],
    ['2026-07-01T19:00:00Z', 'Europe/Berlin', true],
    ['2026-07-02T05:59:59Z', 'Europe/Berlin', true],
    ['2026-07-02T06:00:00Z', 'Europe/Berlin', false],
    // In winter an hour later by UTC.
    ['2026-01-02T06:30:00Z', 'Europe/Berlin', true],
    ['2026-07-01T19:00:00Z', 'America/New_York', false],
    ['2026-07-02T01:00:00Z', 'America/New_York', true],
    // The night in which clocks go back has an hour more: 25 October 2026, 02:30 comes twice.
    ['2026-10-25T06:59:00Z', 'Europe/Berlin', true],
    ['2026-10-25T07:00:00Z', 'Europe/Berlin', false],
  ])('%s in %s: %s', (text, zone, quiet) => expect(at(text, zone)).toBe(quiet));

  test('over noon as well', () => {
    const noon = { ...night, from_ms: 12 * HOUR, to_ms: 13 * HOUR };
    expect([11, 12, 13].map((hour) => at(`2026-01-02T${hour - 1}:30:00Z`, 'Europe/Berlin', noon))).toEqual([
      false,
      true,
      false,
    ]);
  });

  test('local time is what the zone database says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(2090, 0, 1) / 1000 }), fc.constantFrom(...zones), (s, zone) => {
        const clock = new Intl.DateTimeFormat('sv-SE', {
          timeZone: zone.name,
          dateStyle: 'short',
          timeStyle: 'medium',
        });
        const told = new Date(localTime(zone, s * 1000)).toISOString().slice(0, 19).replace('T', ' ');
        expect(told).toBe(clock.format(s * 1000));
      }),
      { numRuns: 200 },
    );
  });
});

describe('turns', () => {
  const now = Date.UTC(2026, 6, 1, 12);
  const one = (entity_id: string, score: number, more: Partial<WaitingAlert> = {}): WaitingAlert => ({
    ...{ entity_id, t: now - HOUR, score, worth: null, zone: 'Europe/Berlin' },
    ...more,
  });
  const said = (alerts: AlertIR, waiting: readonly WaitingAlert[], left = 9, doubted = false, at = now) =>
    turnsOf(alerts, 'shop', waiting, at, left, doubted).map(
      (turn) => `${turn.alert.entity_id} ${turn.do === 'close' ? turn.rule : turn.do}`,
    );
  const capped: AlertIR = { ...base, capacity_per_day: 9 };

  test('the highest expected value first, the others wait for a day at most', () => {
    const waiting = [one('a', 0.85), one('b', 0.95), one('c', 0.9), one('d', 0.84, { t: now - LONGEST_WAIT })];
    expect(said(capped, waiting, 2)).toEqual(['b release', 'c release', 'd capacity']);
    const money: AlertIR = { ...capped, value: { feature: 'spent_28d', scale: 1 } };
    const rich = [one('a', 0.85, { worth: 900 }), one('b', 0.95, { worth: 10 }), one('c', 0.9, { worth: 0 })];
    expect(said(money, rich, 1)).toEqual(['a release', 'c value']);
  });

  test('who recovered is told of no more, whatever is left', () => {
    expect(said(capped, [one('a', 0.8), one('b', 0.81)], 0)).toEqual(['a recovered']);
  });

  test('nobody at night; whose night does not end is closed', () => {
    const quiet: AlertIR = { ...base, quiet_hours: night };
    const dark = Date.UTC(2026, 6, 1, 20);
    const waiting = [one('a', 0.9, { t: dark - HOUR }), one('b', 0.85, { t: dark - HOUR, zone: 'America/New_York' })];
    expect(said(quiet, waiting, 0, false, dark)).toEqual(['b release']);
    expect(said(quiet, [one('a', 0.9, { t: dark - LONGEST_WAIT })], 0, false, dark)).toEqual(['a quiet_hours']);
  });

  test('a model in doubt tells nobody', () => {
    const waiting = [one('a', 0.9), one('b', 0.95, { t: now - LONGEST_WAIT })];
    expect(said(capped, waiting, 9, true)).toEqual(['b guard']);
  });

  test('who is held out is who would have been told, and takes no place', () => {
    const half: AlertIR = { ...capped, hold_out: 0.5 };
    const waiting = Array.from({ length: 40 }, (_, i) => one(`e${i}`, 0.99 - i / 1000));
    const turns = said(half, waiting, 9);
    expect(turns.filter((turn) => turn.endsWith('release'))).toHaveLength(9);
    const held = turns.filter((turn) => turn.endsWith('hold_out')).map((turn) => turn.split(' ')[0]!);
    expect(held.every((id) => isHeldOut(half, 'shop', id))).toBe(true);
    expect(held.length).toBeGreaterThan(2);
    // Behind the last who was told nobody is closed: those were not their turns.
    const last = Number(
      turns
        .findLast((turn) => turn.endsWith('release'))!
        .slice(1)
        .split(' ')[0],
    );
    expect(held.every((id) => Number(id.slice(1)) < last)).toBe(true);
  });
});
