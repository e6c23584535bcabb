/** A file of any size is read in the memory of a part of it: heap and buffers are looked at while it goes through. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { rowReader } from '../../../core/intake/files/index.ts';
import { CARRIAGE_OPTIONS } from '../../../core/ir/source-options.ts';
import { takeRows } from '../../../engine/intake/take-rows.ts';
import { visitsBy } from './visits.ts';

const MIB = 1024 * 1024;
const FILE_BYTES = 50 * MIB;
/** What is held at once (4 MiB of rows, and the events of as many), and room for what is known of each row: 53 bits of its hash. */
const MOST_GROWTH = 16 * MIB;
/** How much has gone by when the memory is looked at: each look is a full collection. */
const LOOKS = [0.1, 0.9].map((part) => part * FILE_BYTES);

const way = visitsBy('csv');

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Bytes of objects and buffers that something still holds. */
async function held(): Promise<number> {
  for (let turn = 0; turn < 2; turn++) {
    gc();
    await new Promise((done) => setImmediate(done));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

interface Seen {
  /** Of what is held, since the first look (bytes). */
  growth: number;
  /** That have gone by. */
  bytes: number;
}

/** The file, a piece at a time, with looks at the memory. */
async function* watched(pieces: Iterable<string>, seen: Seen): AsyncGenerator<Uint8Array> {
  let first: number | undefined;
  const looks = [...LOOKS];
  for (const text of pieces) {
    if (seen.bytes >= looks[0]!) {
      looks.shift();
      const now = await held();
      first ??= now;
      seen.growth = Math.max(seen.growth, now - first);
    }
    const piece = Buffer.from(text);
    seen.bytes += piece.length;
    yield piece;
  }
}

const NOTE = 'n'.repeat(4000);
const row = (i: number) => ({ who: `v${i % 1000}`, at: String(1_700_000_000_000 + i), page: `p${i}`, note: NOTE });
const WAYS = {
  csv: { head: 'who,at,page,note\n', line: (i: number) => `${Object.values(row(i)).join(',')}\n`, tail: '"open\n' },
  ndjson: { head: '', line: (i: number) => `${JSON.stringify(row(i))}\n`, tail: '{"who":\n' },
  json: { head: '[', line: (i: number) => `${JSON.stringify(row(i))},\n`, tail: '{"who":' },
} as const;
type Format = keyof typeof WAYS;

/** Rows in pieces of about 64 KiB, the last one broken. */
function* fileOf(format: Format): Generator<string> {
  const { head, line, tail } = WAYS[format];
  yield head;
  for (let i = 0, bytes = 0; bytes < FILE_BYTES; ) {
    const lines = Array.from({ length: 15 }, () => line(i++));
    const text = lines.join('');
    bytes += text.length;
    yield text;
  }
  yield tail;
}

describe.each(Object.keys(WAYS) as Format[])('a file of 50 MiB as %s', (format) => {
  const read = rowReader(CARRIAGE_OPTIONS.files.parse({ format }));

  test('goes through to the stream in flat memory', async () => {
    const seen: Seen = { growth: 0, bytes: 0 };
    let [events, refused] = [0, 0];
    const ports = {
      stream: { put: async (records: readonly unknown[]) => records.map(() => true) },
      refuse: async (found: readonly unknown[]) => {
        refused += found.length;
      },
      erase: async () => {},
      gaps: async () => {},
    };
    const onTaken = (result: { readonly events: number }) => {
      events += result.events;
    };
    const rows = read(watched(fileOf(format), seen));
    const context = { received_ms: 1, carriage: 'files' } as const;
    expect(await takeRows(rows, way, context, ports, { copies: true, onTaken })).toBe(true);
    expect([events > 12_000, refused]).toEqual([true, 1]);
    expect(seen.bytes).toBeGreaterThan(FILE_BYTES);
    expect(seen.growth).toBeLessThan(MOST_GROWTH);
  });

  test('without an end to its first row is refused in flat memory', async () => {
    const seen: Seen = { growth: 0, bytes: 0 };
    const pieces = function* () {
      yield { csv: 'who,at,page,note\n"', ndjson: '"', json: '["' }[format];
      for (let i = 0; i < 800; i++) yield 'x'.repeat(FILE_BYTES / 800);
    };
    const found = [];
    for await (const one of read(watched(pieces(), seen))) found.push(one);
    expect(found).toMatchObject([{ reason: format === 'json' ? 'INVALID_ENVELOPE' : 'OVERSIZE' }]);
    expect(seen.growth).toBeLessThan(4 * MIB);
  });
});
