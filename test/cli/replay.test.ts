import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { descendants } from '../../cli/commands/demo/memory.ts';
import type { WireEvent } from '../../cli/commands/replay/bad-records.ts';
import { byDay, readEvents } from '../../cli/commands/replay/replay.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import { contract, field } from '../../core/definition/define.ts';
import type { UseCaseIR } from '../../core/ir/document.ts';
import type { TimestampFormat } from '../../core/values/time.ts';
import { DAY } from '../../core/values/time.ts';

const START = Date.UTC(2017, 11, 1);
const HOUR = 3_600_000;

const event = (id: string, time: unknown, available_at?: unknown) => ({
  ...{
    event_id: id,
    entity_id: 'e',
    event_type: 'basket',
    event_time: time,
    source: 't',
    schema_version: 1,
    properties: {},
  },
  ...(available_at === undefined ? {} : { available_at }),
});

/** As far as a replay reads it. */
function useCase(eventTime: TimestampFormat, available_lag_ms = 0): UseCaseIR {
  const ir = contractIR(contract('basket', 1, { eventTime, fields: { note: field.string({ required: false }) } }));
  return { contracts: [ir], replay: { available_lag_ms } } as unknown as UseCaseIR;
}

describe('a replay', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-replay-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, ...events: unknown[]) => {
    const path = join(folder, name);
    writeFileSync(path, events.map((e) => (typeof e === 'string' ? e : JSON.stringify(e))).join('\n'));
    return path;
  };

  test('is in the order in which events became known, over all files', async () => {
    const late = event('late', START, START + 5 * HOUR);
    const files = [file('a', late, event('second', START + 2 * HOUR)), file('b', event('first', START + HOUR))];
    const events = await readEvents(files, useCase('epoch_ms'));
    expect(events.map((e) => e.event.event_id)).toEqual(['first', 'second', 'late']);
  });

  test.each([
    ['epoch_s', 1772359201],
    ['epoch_s', '1772359201'],
    ['epoch_s', 1772359201.25],
    ['epoch_ms', 1772359201000],
    ['epoch_ms', '1772359201000'],
    ['iso8601', '2026-03-01T10:00:01Z'],
    ['iso8601', '2026-03-01T12:00:01+02:00'],
  ] as const)('reads the time of an event by its contract: %s %s', async (format, time) => {
    const at = Date.UTC(2026, 2, 1, 10, 0, 1) + (time === 1772359201.25 ? 250 : 0);
    const events = await readEvents([file('t', event('a', time))], useCase(format, HOUR));
    expect(events.map(({ available_at }) => available_at)).toEqual([at + HOUR]);
    expect(byDay(events, Math.floor(at / DAY) * DAY)).toHaveLength(1);
    const known = await readEvents([file('t', event('a', time, '2026-03-02T00:00:00Z'))], useCase(format, HOUR));
    expect(known[0]?.available_at).toBe(Date.UTC(2026, 2, 2));
  });

  test('sends what the file has, to the byte', async () => {
    const line = ` {"more": 12345678901234567890, ${JSON.stringify(event('a', START)).slice(1)}`;
    const [only] = await readEvents([file('d', line)], useCase('epoch_ms'));
    expect(Buffer.from(only?.data ?? []).toString()).toBe(line);
  });

  test('names every line that its contract refuses, and sends none', async () => {
    const path = file('c', event('a', START), event('b', 'yesterday'), '{oops', event('c', START, START - HOUR));
    const refused = readEvents([path], useCase('epoch_ms'));
    await expect(refused).rejects.toThrow(/3 bad lines of events, none was sent \(.*MALFORMED_JSON 1/);
    await expect(refused).rejects.toThrow(
      /c:2: INVALID_EVENT_TIME: event_time: .*\n.*c:3: MALFORMED_JSON.*\n.*c:4: EVENT/,
    );
    await expect(refused).rejects.not.toThrow(/yesterday/);
  });

  test('has every day up to the last event, also those without any: silence needs a sweep', () => {
    const at = (...times: number[]) =>
      times.map((available_at) => ({ available_at, event: event(`${available_at}`, available_at) as WireEvent }));
    const days = byDay(at(START, START + DAY - 1, START + 2 * DAY), START);
    expect(days.map(({ now, events }) => [now - START, events.length])).toEqual([
      [DAY, 2],
      [2 * DAY, 0],
      [3 * DAY, 1],
    ]);
  });
});

test('the process tree is everything below a process, and nothing beside it', () => {
  const parents = new Map([
    [2, 1],
    [3, 2],
    [4, 3],
    [9, 1],
  ]);
  expect([...descendants(2, parents)].sort()).toEqual([2, 3, 4]);
});
