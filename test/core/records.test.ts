/** What a record holds: the shared cases, and what no bytes may do. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileContracts } from '../../core/admission/admit.ts';
import { spansOf } from '../../core/admission/framing.ts';
import { deaggregate, isAggregated } from '../../core/admission/kpl.ts';
import { admitRecord, type RecordPart } from '../../core/admission/record-parts.ts';
import type { ContractIR } from '../../core/ir/document.ts';
import { aggregate, messageOf, sealed } from './kpl-writer.ts';

interface RecordCase {
  readonly rule: string;
  readonly record?: string;
  readonly base64?: string;
  readonly lanes?: number;
  readonly expect: readonly object[];
}

const { contracts, cases } = JSON.parse(readFileSync('test/conformance/records.json', 'utf8')) as {
  contracts: ContractIR[];
  cases: RecordCase[];
};
const compiled = compileContracts(contracts);
const POSITION = { shard_id: 's', sequence_number: '7', arrival_ms: 1500000000000, partition_key: 'h1' };

function admitted(data: Uint8Array, lanes?: number): readonly RecordPart[] {
  const options = { replay: false, available_lag_ms: 0, max_bytes: 2000, lanes };
  return admitRecord({ position: POSITION, data }, compiled, options);
}

function verdict({ position, result }: RecordPart): object {
  const { partition_key } = position;
  if (!result.ok) return { reason: result.reason, partition_key };
  return { event_id: result.event.event_id, partition_key, ...(result.misrouted ? { misrouted: true } : {}) };
}

test.each(cases.map((one) => [one.rule, one] as const))('%s', (_, one) => {
  const data = one.base64 === undefined ? Buffer.from(one.record!, 'utf8') : Buffer.from(one.base64, 'base64');
  const parts = admitted(data, one.lanes);
  expect(parts.map(verdict)).toEqual(one.expect);
  parts.forEach(({ position, result }, i) => {
    expect(position).toMatchObject({ shard_id: 's', sequence_number: '7' });
    expect(position.sub_sequence ?? 0).toBe(i);
    if (result.ok) expect(result.event.sub_sequence ?? 0).toBe(i);
  });
});

describe('the documented format', () => {
  // Of another implementation: hex.pm/packages/ex_kpl, `ExKpl.add(ExKpl.new(), {"partition_key", "data"})`.
  const foreign = [243, 137, 154, 194, 10, 13, 112, 97, 114, 116, 105, 116, 105, 111, 110, 95, 107, 101, 121, 26, 8, 8];
  foreign.push(0, 26, 4, 100, 97, 116, 97, 208, 54, 153, 218, 90, 34, 47, 163, 33, 8, 173, 27, 217, 85, 161, 78);

  test('as another implementation writes it', () => {
    const data = Uint8Array.from(foreign);
    expect(isAggregated(data)).toBe(true);
    const [one] = deaggregate(data, 1)!;
    expect([one!.partition_key, Buffer.from(one!.data).toString()]).toEqual(['partition_key', 'data']);
    expect(aggregate([{ partition_key: 'partition_key', data: Buffer.from('data') }])).toEqual(Buffer.from(data));
  });

  test('any records come back, and no damage is taken for records', () => {
    const record = fc.record({
      partition_key: fc.string({ unit: 'grapheme' }),
      data: fc.uint8Array({ maxLength: 50 }),
    });
    const records = fc.array(record, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(records, (some) => {
        const same = some.map(({ partition_key, data }) => ({ partition_key, data: Buffer.from(data) }));
        const found = deaggregate(aggregate(some), 100)!;
        expect(found.map((one) => ({ ...one, data: Buffer.from(one.data) }))).toEqual(same);
      }),
    );
    fc.assert(
      fc.property(records, fc.nat(), fc.integer({ min: 1, max: 255 }), (some, place, flip) => {
        const damaged = Buffer.from(aggregate(some));
        damaged[place % damaged.length]! ^= flip;
        expect(admitted(damaged)).toHaveLength(1);
      }),
    );
    // With a right checksum around any bytes at all.
    fc.assert(
      fc.property(records, fc.nat(), fc.nat({ max: 255 }), (some, place, byte) => {
        const message = Buffer.from(messageOf(some));
        message[place % message.length] = byte;
        expect(admitted(sealed(message)).length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('framing', () => {
  const piece = fc.oneof(
    fc.json({ maxDepth: 2 }).map((text) => `{"x":${text}}`),
    fc.constantFrom('{', '}', '[', ']', '"', '\\', '{"a', '\n{', '\r\n', '\n', ' ', 'x', '{}', ',', 'é'),
  );

  test('the parts lie one behind the other, and between them are blanks alone', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const data = Buffer.from(pieces.join(''), 'utf8');
        let at = 0;
        for (const { from, to } of spansOf(data, 1e6)!) {
          expect(data.subarray(at, from).toString()).toMatch(/^[ \t\r\n]*$/);
          expect(to).toBeGreaterThan(from);
          at = to;
        }
        expect(data.subarray(at).toString()).toMatch(/^[ \t\r\n]*$/);
      }),
      { numRuns: 1000 },
    );
  });

  test('good objects are found whatever stands on the other lines', () => {
    const good = fc.json({ maxDepth: 3 }).map((text) => `{"x":${text}}`);
    const line = fc.oneof(
      good,
      good.map((text) => text.slice(0, -1)),
      fc.string().map((text) => `x${text}`),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const clean = lines.map((one) => one.replaceAll(/[\r\n]/g, ''));
        const data = Buffer.from(clean.join('\n'), 'utf8');
        const found = spansOf(data, 1e6)!.map(({ from, to }) => data.subarray(from, to).toString());
        for (const one of clean) if (isObject(one) && !one.startsWith('x')) expect(found).toContain(one);
      }),
    );
  });

  test.each(['{\n', '{"a\n', '[', '{"', '{}', '"\n{', '}\n', '\n', '\\', '{\n}\n{"'])(
    '1 MiB of %j takes no time',
    (text) => {
      const data = Buffer.from(text.repeat(2 ** 20 / text.length));
      const before = process.cpuUsage();
      admitted(data);
      spansOf(data, Number.POSITIVE_INFINITY);
      // Each byte is looked at a few times: some 10 ms. Looked at once for each part, it would be minutes.
      expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000);
    },
  );
});

function isObject(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}
