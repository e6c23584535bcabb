import { describe, expect, test } from '@jest/globals';
import { badRecords, type WireEvent } from '../../cli/commands/replay/bad-records.ts';
import { admit, compileContracts } from '../../core/admission/admit.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import { contract, field } from '../../core/definition/define.ts';
import type { UseCaseIR } from '../../core/ir/document.ts';

const LAG_MS = 60_000;
const AT = Date.UTC(2017, 11, 5, 10);
const basket = contractIR(contract('basket', 1, { fields: { amount: field.decimal(2), store: field.string() } }));
const ir = { contracts: [basket], replay: { available_lag_ms: LAG_MS } } as unknown as UseCaseIR;
const good: WireEvent = {
  event_id: 'b-1',
  entity_id: '1',
  event_type: 'basket',
  event_time: new Date(AT - LAG_MS).toISOString(),
  source: 'till',
  schema_version: 1,
  properties: { amount: '12.50', store: 'S1' },
};

const admitted = (data: Uint8Array) =>
  admit(
    data,
    { shard_id: 's', sequence_number: '1', arrival_ms: AT, partition_key: good.entity_id },
    compileContracts(ir.contracts),
    { replay: true, available_lag_ms: LAG_MS, max_bytes: 256 * 1024 },
  );

describe('bad records', () => {
  const records = badRecords(ir, good, AT);

  test('are made from an event that is itself admitted', () => {
    expect(admitted(Buffer.from(JSON.stringify(good)))).toMatchObject({ ok: true });
  });

  test.each(
    records.filter(({ reason }) => reason !== 'DUPLICATE_EVENT_ID').map((record) => [record.what, record] as const),
  )('%s has its reason at the front door', (_, { data, reason }) => {
    expect(admitted(data)).toMatchObject({ ok: false, reason });
  });

  test('the duplicate is a good event with an id that was there before', () => {
    const duplicate = records.find(({ reason }) => reason === 'DUPLICATE_EVENT_ID');
    expect(admitted(duplicate?.data ?? new Uint8Array())).toMatchObject({
      ok: true,
      event: { event_id: good.event_id },
    });
  });

  test('cover every kind that sources are known to send', () => {
    expect(new Set(records.map(({ reason }) => reason))).toEqual(
      new Set([
        ...[
          'MALFORMED_JSON',
          'INVALID_FIELD',
          'NOT_AN_OBJECT',
          'INVALID_UTF8',
          'UNKNOWN_EVENT_TYPE',
          'UNSUPPORTED_SCHEMA_VERSION',
        ],
        ...[
          'MISSING_ENTITY',
          'INVALID_EVENT_TIME',
          'EVENT_TIME_IN_FUTURE',
          'OVERSIZE',
          'FORBIDDEN_KEY',
          'DUPLICATE_EVENT_ID',
        ],
      ]),
    );
  });
});
