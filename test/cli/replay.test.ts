import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WireEvent } from '../../cli/bad-records.ts';
import { descendants } from '../../cli/demo/memory.ts';
import { availableAt, byDay, readEvents } from '../../cli/replay.ts';

const DAY = 86_400_000;
const START = Date.UTC(2017, 11, 1);
const HOUR = 3_600_000;

const event = (id: string, time: string | number, available_at?: string | number): WireEvent => ({
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

test('an event is known at its own word, else at its time plus the lag', () => {
  expect(availableAt(event('a', '2017-12-01T00:00:00Z'), HOUR)).toBe(START + HOUR);
  expect(availableAt(event('a', START, '2017-12-02T00:00:00Z'), HOUR)).toBe(START + DAY);
});

describe('a replay', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-replay-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, ...events: unknown[]) => {
    const path = join(folder, name);
    writeFileSync(path, events.map((e) => JSON.stringify(e)).join('\n'));
    return path;
  };

  test('is in the order in which events became known, over all files', async () => {
    const late = event('late', START, START + 5 * HOUR);
    const files = [file('a', late, event('second', START + 2 * HOUR)), file('b', event('first', START + HOUR))];
    const events = await readEvents(files, 0);
    expect(events.map((e) => e.event.event_id)).toEqual(['first', 'second', 'late']);
  });

  test('names the line whose time cannot be read', async () => {
    await expect(readEvents([file('c', event('a', START), event('b', 'yesterday'))], 0)).rejects.toThrow(
      /c, line 2: event_time/,
    );
  });

  test('has every day up to the last event, also those without any: silence needs a sweep', () => {
    const at = (...times: number[]) =>
      times.map((available_at) => ({ available_at, event: event(`${available_at}`, available_at) }));
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
