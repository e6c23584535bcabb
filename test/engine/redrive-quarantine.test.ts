/** Which lines are put back, how fast, and what happens when something fails. */
import { describe, expect, test } from '@jest/globals';
import { compileContracts } from '../../core/admission/admit.ts';
import type { RejectionReason } from '../../core/ir/rejection.ts';
import type { QuarantineLine } from '../../engine/ingest/quarantine.ts';
import {
  daysOf,
  isWanted,
  parsePosition,
  positionOf,
  type QuarantineObject,
  sourceOf,
} from '../../engine/quarantine/lines.ts';
import { type Again, type RedrivePorts, type RedriveRules, redriveLines } from '../../engine/quarantine/redrive.ts';
import { ARRIVAL, ir, purchase } from './use-case.ts';

let next = 0;
function line(over: Partial<QuarantineLine> = {}, data: unknown = purchase('ann', `e-${next}`)): QuarantineLine {
  return {
    ...{ shard_id: 's-0', sequence_number: String(++next), sub_sequence: 0, arrival: ARRIVAL },
    ...{ reason: 'NOT_IN_ENUM' as RejectionReason, detail: 'd', event_type: 'buy', schema_version: 1, source: 'till' },
    partition_key: 'ann',
    raw_base64: Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)).toString('base64'),
    ...over,
  };
}
const object = (lines: readonly QuarantineLine[], shard = lines[0]!.shard_id): QuarantineObject => ({
  ...{ key: `archive/quarantine/dt=2017-06-01/${shard}/${lines[0]!.sequence_number}`, day: '2017-06-01', shard, lines },
});

async function run(
  objects: readonly QuarantineObject[],
  rules: Partial<RedriveRules> = {},
  over: Partial<RedrivePorts> = {},
) {
  const put: (readonly Again[])[] = [];
  const marked: string[] = [];
  const paced: number[] = [];
  const admit = { replay: false, available_lag_ms: 0, max_bytes: 10_000 };
  const all = { contracts: compileContracts(ir.contracts), admit, wanted: {}, now: ARRIVAL, dryRun: false };
  const report = await redriveLines(
    { ...all, portion: 100, limit: Number.POSITIVE_INFINITY, ...rules },
    {
      objects: (async function* () {
        yield* objects;
      })(),
      marked: new Map(),
      put: async (records) => void put.push(records),
      giveBack: async () => null,
      mark: async (_, positions) => void marked.push(...positions),
      pace: async (records) => void paced.push(records),
      ...over,
    },
  );
  return { report, put, marked, paced };
}

describe('what is put back', () => {
  test('is what the contracts admit by now; the rest stays, by the reason of today', async () => {
    const lines = [line(), line({}, purchase('ann', 'x', { schema_version: 9 })), line({}, '{"cut":')];
    const { report, put, marked } = await run([object(lines)]);
    expect(report).toMatchObject({ sent: 1, refused: { UNSUPPORTED_SCHEMA_VERSION: 1, MALFORMED_JSON: 1 } });
    expect(put.flat()).toEqual([{ partitionKey: 'ann', data: Buffer.from(lines[0]!.raw_base64, 'base64') }]);
    expect(marked).toEqual([positionOf(lines[0]!)]);
  });

  test('no copies of what is counted: long after, nobody would know them as copies', async () => {
    const { report, put } = await run([object([line({ reason: 'DUPLICATE_EVENT_ID' })])]);
    expect([report.sent, report.duplicates, put]).toEqual([0, 1, []]);
  });

  test('each place once, though two objects hold it, and nothing that is marked', async () => {
    const [one, two] = [line(), line()];
    const marked = new Map([[positionOf(two), ARRIVAL]]);
    const { report } = await run([object([one, two]), object([one])], {}, { marked });
    expect(report).toMatchObject({ sent: 1, before: 1 });
  });

  test('in portions with a pause behind each, and not more than the limit', async () => {
    const lines = Array.from({ length: 10 }, () => line());
    const { put, paced, report } = await run([object(lines)], { portion: 3, limit: 7 });
    expect(put.map((records) => records.length)).toEqual([3, 3, 1]);
    expect([paced, report.sent]).toEqual([[3, 3, 1], 7]);
  });

  test('nothing in a dry run, which says the same', async () => {
    const lines = [line(), line({}, '{"cut":')];
    const dry = await run([object(lines)], { dryRun: true });
    expect([dry.put, dry.marked, dry.paced]).toEqual([[], [], []]);
    expect(dry.report).toEqual((await run([object(lines)])).report);
  });

  test('what lies behind a failure in its shard waits, other shards go on, and what was taken is marked', async () => {
    const lines = Array.from({ length: 4 }, () => line());
    const other = line({ shard_id: 's-1' });
    let calls = 0;
    const put = async () => {
      if (++calls === 2) throw new Error('the stream took none');
    };
    const objects = [object(lines), object([line()]), object([other])];
    const { report, marked } = await run(objects, { portion: 2 }, { put });
    expect(marked).toEqual([...lines.slice(0, 2), other].map(positionOf));
    expect(report.failed).toEqual([`${objects[0]!.key}: the stream took none`]);
    expect(report.sent).toBe(3);
  });

  test('an interruption ends it, and what was put back is marked', async () => {
    const lines = Array.from({ length: 4 }, () => line());
    const marked: string[] = [];
    const pace = async () => {
      throw Object.assign(new Error('stop'), { name: 'AbortError' });
    };
    const mark = async (_: unknown, positions: readonly string[]) => void marked.push(...positions);
    await expect(run([object(lines)], { portion: 2 }, { pace, mark })).rejects.toThrow('stop');
    expect(marked).toEqual(lines.slice(0, 2).map(positionOf));
  });
});

describe('what a source refused', () => {
  const own = (n: number) =>
    line(
      { shard_id: 'intake-stripe-http', source: 'stripe', sequence_number: `${n}`, reason: 'MALFORMED_JSON' },
      '<xml>',
    );

  test('is given to its function, and marked where that took it', async () => {
    const lines = [own(1), own(2)];
    const asked: unknown[] = [];
    const giveBack: RedrivePorts['giveBack'] = async (intake, given) => {
      asked.push([intake, given.length]);
      return [true, false];
    };
    const { report, put, marked } = await run([object(lines)], {}, { giveBack });
    expect(asked).toEqual([[{ source: 'stripe', carriage: 'http' }, 2]]);
    expect(report).toMatchObject({ given: { stripe: 1 }, declined: { stripe: 1 }, sent: 0 });
    expect([put, marked]).toEqual([[], [positionOf(lines[0]!)]]);
  });

  test('is there again where its source sent the same again, and it was refused again', async () => {
    const [before, again] = [own(1), { ...own(1), arrival: ARRIVAL + 5 }];
    const marked = new Map([[positionOf(before), ARRIVAL + 1]]);
    const { report } = await run([object([before]), object([again])], {}, { marked, giveBack: async () => [true] });
    expect(report).toMatchObject({ given: { stripe: 1 }, before: 1 });
  });

  test('stays and is told where no function of it is there', async () => {
    const { report, marked } = await run([object([own(1)])]);
    expect([report.without, marked]).toEqual([{ stripe: 1 }, []]);
  });

  test('is asked of nobody in a dry run', async () => {
    const giveBack = () => Promise.reject(new Error('it was asked'));
    const { report } = await run([object([own(1)])], { dryRun: true }, { giveBack });
    expect(report).toMatchObject({ given: { stripe: 1 }, failed: [] });
  });
});

describe('lines', () => {
  test.each([
    [{ reasons: new Set(['NOT_IN_ENUM'] as const) }, true],
    [{ reasons: new Set(['OVERSIZE'] as const) }, false],
    [{ sources: new Set(['till', 'web']) }, true],
    [{ sources: new Set(['']) }, false],
    [{ event_types: new Set(['buy']) }, true],
    [{ event_types: new Set(['sell']) }, false],
    [{ since: ARRIVAL, until: ARRIVAL + 1 }, true],
    [{ since: ARRIVAL + 1 }, false],
    [{ until: ARRIVAL }, false],
  ])('are wanted by %p: %p', (wanted, expected) => {
    expect(isWanted(line(), wanted)).toBe(expected);
  });

  test('of a source say it, of its intake too, and of earlier releases nothing', () => {
    expect(sourceOf(line())).toBe('till');
    expect(sourceOf({ shard_id: 'intake-my_crm-bus', source: null })).toBe('my_crm');
    expect(sourceOf({ shard_id: 'shardId-000000000000', source: null })).toBe('');
  });

  test('have a position that is found again', () => {
    for (const place of [line(), line({ sub_sequence: 3 }), line({ shard_id: 'intake-stripe-http' })])
      expect(parsePosition(positionOf(place))).toEqual({
        ...{ shard_id: place.shard_id, sequence_number: place.sequence_number, sub_sequence: place.sub_sequence },
      });
    for (const text of ['', 's-0', 's-0:', 's-0:x', '../x y:1', 's-0:1:x']) expect(parsePosition(text)).toBeNull();
  });

  test('lie in the folder of the day of their object, which may be the day before', () => {
    expect(daysOf({ since: Date.UTC(2026, 2, 1, 0, 5), until: Date.UTC(2026, 2, 2) })).toEqual({
      ...{ from: '2026-02-28', to: '2026-03-02' },
    });
    expect(daysOf({})).toEqual({});
  });
});
