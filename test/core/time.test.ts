/** Times as people send them: one rule below a ms, and local times by the offsets of the document. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contractBreaks } from '../../core/definition/compatibility.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import { contract, field } from '../../core/definition/define.ts';
import { MAX_TIME, MINUTE, parseTimestamp } from '../../core/values/time.ts';
import { localClock, timeZoneOf } from '../../core/values/time-zone.ts';

const read = (input: unknown, format: 'iso8601' | 'epoch_s' | 'epoch_ms') => {
  const parsed = parseTimestamp(input, format);
  return 'error' in parsed ? parsed.error : parsed.value;
};
const below = fc.stringMatching(/^\d{0,9}$/);

test('what is below a ms is cut off in every format, so that one instant is one ms', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: MAX_TIME }), below, (ms, more) => {
      const seconds = `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')}${more}`;
      const iso = `${new Date(ms).toISOString().slice(0, -1)}${more}`;
      expect(read(seconds, 'epoch_s')).toBe(ms);
      expect(read(`${ms}.${more}0`, 'epoch_ms')).toBe(ms);
      for (const zone of ['Z', 'z', ' UTC', '+00', '-0000', ' +00:00']) expect(read(iso + zone, 'iso8601')).toBe(ms);
      expect(read(`${iso.replace('T', ' ').replace('.', ',')}Z`, 'iso8601')).toBe(ms);
    }),
  );
});

test('a number of any length is read, and never moves an event past the next ms', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: MAX_TIME / 1000, noNaN: true, noDefaultInfinity: true }), (seconds) => {
      const found = read(seconds, 'epoch_s');
      expect(typeof found).toBe('number');
      expect(Math.abs((found as number) - seconds * 1000)).toBeLessThanOrEqual(1);
      expect(read(seconds * 1000, 'epoch_ms')).toBe(Math.floor(seconds * 1000));
    }),
  );
});

describe('local times', () => {
  const zones = [
    'Europe/London',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kolkata',
    'Africa/Casablanca',
    'UTC',
  ];
  const wall = (zone: string, instant: number) =>
    Date.parse(
      `${new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(instant).replace(' ', 'T')}Z`,
    );

  test.each(zones)('of %s are what its clocks show; of two instants, the first', (zone) => {
    const clock = localClock(timeZoneOf(zone, 'time_zone'));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(2099, 0, 1) / 1000 }), (second) => {
        const instant = second * 1000;
        const local = wall(zone, instant);
        const found = clock(local);
        expect(wall(zone, found)).toBe(local);
        expect(found).toBeLessThanOrEqual(instant);
      }),
      { numRuns: 300 },
    );
  });

  test('around every change of a clock, none is lost and none goes back', () => {
    const zone = timeZoneOf('Europe/London', 'time_zone');
    const clock = localClock(zone);
    for (const [i, [change, offset]] of zone.offsets.entries()) {
      const before = zone.offsets[i - 1]?.[1];
      if (before === undefined) continue;
      // Forward: the hour that never was is read an hour later. Back: the hour that is there twice is the first.
      const [never, twice] = [change + before, change + offset];
      if (offset > before) expect(clock(never + 30 * MINUTE)).toBe(change + 30 * MINUTE);
      else expect(clock(twice + 30 * MINUTE)).toBe(change + offset - before + 30 * MINUTE);
      expect(clock(change + Math.max(before, offset))).toBe(change + Math.max(0, before - offset));
      expect(clock(change + Math.min(before, offset) - 1)).toBe(change + Math.min(0, offset - before) - 1);
    }
    expect(zone.offsets.length).toBeGreaterThan(250);
  });

  test.each(['Europe/Londn', '+01:00', '', 'Z'])('no zone: %j', (timeZone) => {
    expect(() => contract('sale', 1, { timeZone, fields: {} })).toThrow(
      /^contracts\.sale\.timeZone: found '.*'; allowed: /,
    );
  });
});

describe('an earliest time', () => {
  const sale = (minEventTime?: string, timeZone?: string) => [
    contractIR(contract('sale', 1, { eventTime: 'epoch_ms', fields: { n: field.int() }, minEventTime, timeZone })),
  ];

  test('is an instant with a zone', () => {
    expect(sale('2015-01-01T00:00:00Z')[0]!.min_event_time).toBe(Date.UTC(2015, 0, 1));
    expect(() => sale('2015-01-01')).toThrow('contracts.sale.minEventTime');
    expect(sale()[0]).not.toHaveProperty('min_event_time');
  });

  test('and a zone may not change in a released version, but the bound may go back', () => {
    expect(contractBreaks(sale('2015-01-01T00:00:00Z'), sale('2014-01-01T00:00:00Z'))).toEqual([]);
    expect(contractBreaks(sale('2015-01-01T00:00:00Z'), sale())).toEqual([]);
    expect(contractBreaks(sale(), sale('2014-01-01T00:00:00Z'))).toMatchObject([
      { field: 'contracts.sale@1.minEventTime' },
    ]);
    expect(contractBreaks(sale(), sale(undefined, 'Europe/London'))).toMatchObject([
      { field: 'contracts.sale@1.timeZone' },
    ]);
  });
});
