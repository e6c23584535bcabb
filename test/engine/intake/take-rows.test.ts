/** Rows of a file on their way to the stream. */
import { describe, expect, test } from '@jest/globals';
import { csvRows } from '../../../core/intake/files/csv.ts';
import { isBad, type Row } from '../../../core/intake/files/row.ts';
import type { PutRecord } from '../../../engine/intake/put-all.ts';
import type { IntakePorts, TakeResult } from '../../../engine/intake/take.ts';
import { refusedRow, takeRows } from '../../../engine/intake/take-rows.ts';
import { visitsBy } from './visits.ts';

const way = visitsBy('ndjson');
const context = { received_ms: 1, carriage: 'files', detail: { file: 'a.ndjson' } } as const;

class World {
  readonly records: PutRecord[] = [];
  readonly refused: { reason: string; raw: string; received_ms: number }[] = [];
  readonly results: TakeResult[] = [];
  /** Calls of the stream that are still taken. */
  calls = Number.POSITIVE_INFINITY;

  async take(rows: AsyncIterable<Row>): Promise<boolean> {
    const ports: IntakePorts = {
      stream: {
        put: async (records) => {
          if (this.calls-- <= 0) return records.map(() => false);
          this.records.push(...records);
          return records.map(() => true);
        },
      },
      refuse: async (refused) => {
        for (const { reason, raw, received_ms } of refused)
          this.refused.push({ reason, raw: Buffer.from(raw).toString(), received_ms });
      },
      erase: async () => {},
      gaps: async () => {},
    };
    return takeRows(rows, way, context, ports, {
      copies: true,
      onTaken: (result) => this.results.push(result),
      pause: async () => {},
    });
  }

  get taken(): number {
    return this.results.reduce((all, { events }) => all + events, 0);
  }

  get events(): { event_id: string; entity_id: string }[] {
    return this.records.flatMap(({ data }) =>
      Buffer.from(data)
        .toString()
        .split('\n')
        .map((line) => JSON.parse(line) as { event_id: string; entity_id: string }),
    );
  }
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
async function* rowsOf(...values: readonly (object | 'bad')[]): AsyncGenerator<Row> {
  for (const [i, value] of values.entries()) {
    if (value === 'bad') yield { place: i + 1, reason: 'INVALID_ENVELOPE', detail: 'line', raw: Buffer.from('bad') };
    else yield { place: i + 1, json: json(value) };
  }
}
const row = (who: string, page: string) => ({ who, page, at: 1_700_000_000_000 });
const idsOf = (world: World) => world.events.map(({ event_id }) => event_id);

describe('the rows of a file', () => {
  test('are events, but for those that are none: they are kept, and the rest goes on', async () => {
    const world = new World();
    expect(await world.take(rowsOf(row('ann', 'a'), 'bad', { who: 'bob' }, row('bob', 'b')))).toBe(true);
    expect(world.events.map(({ entity_id }) => entity_id)).toEqual(['ann', 'bob']);
    expect(world.refused).toEqual([
      { reason: 'INVALID_ENVELOPE', raw: 'bad', received_ms: 1 },
      { reason: 'INVALID_EVENT_TIME', raw: '{"who":"bob"}', received_ms: 1 },
    ]);
    const [result] = world.results;
    expect([result!.received, result!.events, [...result!.refused]]).toEqual([
      4,
      2,
      [
        ['INVALID_EVENT_TIME', 1],
        ['INVALID_ENVELOPE', 1],
      ],
    ]);
  });

  test('that are equal are as many events, the same whenever the file comes', async () => {
    const [once, again, longer] = [new World(), new World(), new World()];
    const rows = [row('ann', 'a'), row('ann', 'a'), row('ann', 'b')];
    await once.take(rowsOf(...rows));
    await again.take(rowsOf(...rows));
    await longer.take(rowsOf(row('bob', 'z'), ...rows, row('ann', 'a')));
    expect(new Set(idsOf(once)).size).toBe(3);
    expect(idsOf(again)).toEqual(idsOf(once));
    expect(idsOf(longer)).toEqual(expect.arrayContaining(idsOf(once)));
    expect(new Set(idsOf(longer)).size).toBe(5);
  });

  test('are read no further than the stream has taken them', async () => {
    const world = new World();
    let [read, most] = [0, 0];
    const rows = async function* (): AsyncGenerator<Row> {
      for (; read < 5_000; read++) {
        most = Math.max(most, read - world.taken);
        yield { place: read + 1, json: json(row(`v${read % 7}`, `p${read}`)) };
      }
    };
    expect(await world.take(rows())).toBe(true);
    expect([world.taken, most]).toEqual([5_000, 1999]);
  });

  test('behind one that the stream does not take are not put', async () => {
    const world = new World();
    world.calls = 1;
    const rows = Array.from({ length: 6000 }, (_, i) => row('ann', `p${i}`));
    expect(await world.take(rowsOf(...rows))).toBe(false);
    expect(world.events).toHaveLength(2000);
    expect(world.results.at(-1)!.failed).toHaveLength(2000);
  });
});

describe('a row that was refused, read again', () => {
  const read = csvRows({ delimiter: ',' });
  const again = async (raw: string | Uint8Array, by = read) =>
    Buffer.from(await refusedRow(by, Buffer.from(raw))).toString();

  test('is itself where a map refused it, and under the header of its file where it was none', async () => {
    expect(await again('{"who":"bob"}')).toBe('{"who":"bob"}');
    expect(await again('who,page\nbob,"a, b"')).toBe('{"who":"bob","page":"a, b"}');
    expect(await again('who,page\nbob,a,b')).toBe('who,page\nbob,a,b');
    expect(await again('broken')).toBe('broken');
  });

  test('by a reader that was put right comes in', async () => {
    const rows: Row[] = [];
    for await (const row of read(rowsIn('who;page;at\nann;a,b;1\n'))) rows.push(row);
    const [bad] = rows.filter(isBad);
    expect(await again(bad!.raw, csvRows({ delimiter: ';' }))).toBe('{"who":"ann","page":"a,b","at":"1"}');
  });
});

async function* rowsIn(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
