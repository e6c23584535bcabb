import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { admit, compileContracts } from '../../core/admission/admit.ts';
import type { ContractIR, FieldIR } from '../../core/ir/document.ts';
import { stateCases } from '../conformance/states.ts';

const read = (name: string) => JSON.parse(readFileSync(`test/conformance/${name}.json`, 'utf8'));

test('the committed states are what this code computes', () => {
  expect(JSON.parse(JSON.stringify(stateCases()))).toEqual(read('states'));
});

interface ContractCase {
  readonly rule: string;
  readonly record?: string;
  readonly base64?: string;
  readonly arrival_ms: number;
  readonly replay?: boolean;
  readonly expect: { readonly event?: object; readonly reason?: string };
}

describe.each(['contracts', 'derived-columns'])('%s', (name) => {
  const { contracts, cases } = read(name) as { contracts: ContractIR[]; cases: ContractCase[] };
  const compiled = compileContracts(contracts);

  test.each(cases.map((one) => [one.rule, one] as const))('%s', (_, one) => {
    const data = one.base64 === undefined ? Buffer.from(one.record!, 'utf8') : Buffer.from(one.base64, 'base64');
    const position = { shard_id: 's', sequence_number: '1', arrival_ms: one.arrival_ms, partition_key: 'h1' };
    const options = { replay: one.replay ?? false, available_lag_ms: 1000, max_bytes: 2000 };
    const result = admit(data, position, compiled, options);
    if (one.expect.event) expect(result).toMatchObject({ ok: true, event: one.expect.event });
    else expect(result).toMatchObject({ ok: false, reason: one.expect.reason });
    // Whatever became of it: nothing goes on that a table, a queue or another language could not hold.
    expect(JSON.stringify(result)).not.toMatch(/(?<!\\)\\ud[89a-f]/i);
  });
});

test('a record nested beyond what any stack holds is refused, not thrown', () => {
  const depth = 100_000;
  const record = `{"event_id":"e","entity_id":"h1","event_type":"tick","schema_version":1,"event_time":0,"properties":{"x":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
  const { contracts } = read('contracts') as { contracts: ContractIR[] };
  const position = { shard_id: 's', sequence_number: '1', arrival_ms: 1, partition_key: 'h1' };
  const options = { replay: false, available_lag_ms: 0, max_bytes: 1_000_000 };
  expect(admit(Buffer.from(record), position, compileContracts(contracts), options)).toMatchObject({
    ok: false,
    reason: 'TOO_DEEP',
  });
});

test('a key named like a method of objects is unknown as any other, and no value of a field', () => {
  const record = {
    event_id: 'e',
    entity_id: 'h1',
    event_type: 'tick',
    schema_version: 1,
    event_time: 0,
    properties: { toString: 1 },
  };
  const { contracts } = read('contracts') as { contracts: ContractIR[] };
  const tick = contracts.find(({ event_type }) => event_type === 'tick')!;
  const late: FieldIR = { name: 'late', from: 'valueOf', type: 'int', required: false };
  const position = { shard_id: 's', sequence_number: '1', arrival_ms: 1, partition_key: 'h1' };
  const options = { replay: false, available_lag_ms: 0, max_bytes: 2000 };
  const compiled = compileContracts([{ ...tick, fields: [late] }]);
  expect(admit(Buffer.from(JSON.stringify(record)), position, compiled, options)).toMatchObject({
    ok: true,
    event: { properties: { late: null, _unknown: '{"properties":{"toString":1}}' } },
  });
});
