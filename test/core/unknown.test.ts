/** What a contract does not know changes no column, and is kept as it was written. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Admitted, admit, compileContracts } from '../../core/admission/admit.ts';
import { isDeeper, membersOf } from '../../core/admission/json-text.ts';
import { MAX_DEPTH } from '../../core/admission/record.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import { contract, field } from '../../core/definition/define.ts';
import { MAX_EVENT_BYTES } from '../../names/limits.ts';

const v1 = contract('gain', 1, { eventTime: 'epoch_ms', fields: { note: field.string({ required: false }) } });
const v2 = contract('gain', 2, {
  eventTime: 'epoch_ms',
  fields: { points: field.int({ min: 0, max: 1000 }), shop: field.string({ from: 'Shop', required: false }) },
});
const contracts = compileContracts([v1, v2].map(contractIR));
const POSITION = { shard_id: 's', sequence_number: '1', arrival_ms: 1e12, partition_key: 'ann' };
const OPTIONS = { replay: false, available_lag_ms: 0, max_bytes: MAX_EVENT_BYTES };
const admitted = (text: string) => admit(Buffer.from(text), POSITION, contracts, OPTIONS);

/** JSON text as other writers make it: blanks anywhere, escapes, numbers that no double holds. */
const blank = fc.constantFrom('', ' ', '\n', '\t ', '\r\n');
const string = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\ud83d"', '"\\u0000"', '"]}"', '"\\\\\\""', '"\\/"', '"é\u2028"'),
);
const scalar = fc.oneof(
  string,
  fc.constantFrom('1e400', '-0', '0.10', '12345678901234567890', '1E+2', 'true', 'null', '3.7'),
);
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.tuple(blank, fc.array(tie('value'), { maxLength: 3 })).map(([b, all]) => `[${b}${all.join(`${b},`)}${b}]`),
    fc
      .tuple(blank, fc.array(fc.tuple(string, tie('value')), { maxLength: 3 }))
      .map(([b, all]) => `{${b}${all.map(([k, v]) => `${k}${b}:${b}${v}`).join(`,${b}`)}${b}}`),
  ),
}));
const key = fc.constantFrom('points', 'shop', 'Shop', 'note', '_unknown', 'toString', 'é', '0', 'gain');

describe('of an event of either version', () => {
  const members = fc.array(fc.tuple(key, value, blank), { maxLength: 5 });

  test.each([
    [1, '"note":"n"', { note: 'n' }, ['note']],
    [2, '"points":5', { points: 5, shop: null }, ['points', 'Shop']],
  ] as const)('version %i has its own columns, whatever else is sent', (version, own, columns, known) => {
    fc.assert(
      fc.property(members, members, (inside, beside) => {
        fc.pre(inside.every(([name]) => !(known as readonly string[]).includes(name)));
        const more = inside.map(([name, text, b]) => `${b},${b}${JSON.stringify(name)}${b}:${b}${text}`);
        const top = beside.map(([name, text, b]) => `${b},"x-${name}"${b}:${text}`);
        const found = admitted(
          `{"event_id":"e","entity_id":"ann","event_type":"gain","event_time":1,"schema_version":${version}${top.join('')},"properties":{${own}${more.join('')}}}`,
        );
        if (!found.ok) {
          expect(found.reason).toBe('FORBIDDEN_KEY');
          return;
        }
        const { _unknown, ...typed } = found.event.properties;
        expect(typed).toEqual(columns);
        const kept = [
          ...beside.map(([name, text]) => `"x-${name}":${text}`),
          ...(inside.length > 0
            ? [`"properties":{${inside.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`]
            : []),
        ];
        expect(_unknown).toBe(kept.length > 0 ? `{${kept.join(',')}}` : undefined);
        const names = [...beside.map(([name]) => `x-${name}`), ...inside.map(([name]) => name)];
        expect(new Set((found as Admitted).unknown_fields)).toEqual(new Set(names));
      }),
      { numRuns: 500 },
    );
  });
});

test('an object is its members', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(string, value, blank)), (all) => {
      const text = `{${all.map(([k, v, b]) => `${b}${k}${b}:${b}${v}${b}`).join(',')}}`;
      expect(membersOf(text, 0).map(({ source }) => source)).toEqual(all.map(([k, v]) => `${k}:${v}`));
    }),
  );
});

test('depth is counted where a parser would count it', () => {
  const depthOf = (found: unknown): number =>
    found !== null && typeof found === 'object' ? 1 + Math.max(0, ...Object.values(found).map(depthOf)) : 0;
  fc.assert(
    fc.property(value, fc.integer({ min: 0, max: 8 }), (text, limit) => {
      // Of a key that stands twice the parser keeps one: text may be deeper, never less deep.
      const parsed = depthOf(JSON.parse(text)) > limit;
      if (parsed) expect(isDeeper(text, limit)).toBe(true);
      if (!isDeeper(text, limit)) expect(parsed).toBe(false);
    }),
  );
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  expect(isDeeper(nested(MAX_DEPTH), MAX_DEPTH)).toBe(false);
  expect(isDeeper(nested(MAX_DEPTH + 1), MAX_DEPTH)).toBe(true);
});
