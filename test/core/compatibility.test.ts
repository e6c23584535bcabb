import { describe, expect, test } from '@jest/globals';
import { type ContractBreak, contractBreaks } from '../../core/definition/compatibility.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import { contract, expr, type FieldSpec, field } from '../../core/definition/define.ts';

const FIELDS = {
  amount: field.decimal(2, { min: 0, max: 10_000 }),
  shop: field.enum(['a', 'b'], { required: false }),
  note: field.string({ required: false, maxLength: 64 }),
  pieces: field.int({ default: 1 }),
  paid_at: field.timestamp('iso8601', { required: false }),
};
type Fields = Record<string, FieldSpec>;

const released = [contract('buy', 1, { fields: FIELDS }), contract('look', 1, { fields: {} })].map(contractIR);

/** What is refused when `buy` has other fields; null takes one out. */
function withFields(over: Record<string, FieldSpec | null>): string[] {
  const fields = Object.entries({ ...FIELDS, ...over }).filter(([, spec]) => spec !== null);
  return told(
    contractBreaks(released, [
      contractIR(contract('buy', 1, { fields: Object.fromEntries(fields) as Fields })),
      released[1]!,
    ]),
  );
}

const told = (breaks: readonly ContractBreak[]) =>
  breaks.map(({ field, found, allowed }) => `${field}: found ${found}; allowed: ${allowed}`);

describe('a break of the same schema version names the field, what is found and what is allowed', () => {
  const { shop, note, pieces, paid_at } = FIELDS;
  test.each<[string, Record<string, FieldSpec | null>, string]>([
    ['removed', { shop: null }, 'shop: found a removed field; allowed: the field as it was released'],
    ['renamed', { note: null, remark: { ...note, from: 'note' } }, 'note: found a field renamed to remark; allowed: '],
    ['sent under another key', { note: { ...note, from: 'remark' } }, 'note.from: found remark; allowed: note'],
    ['retyped', { note: field.int({ required: false }) }, 'note.type: found int; allowed: string'],
    ['made required', { shop: { ...shop, required: true } }, 'shop: found a field made required; allowed: '],
    ['new and required', { till: field.int() }, 'till: found a new required field; allowed: an optional field'],
    ['fewer values', { shop: field.enum(['b', 'c'], { required: false }) }, 'shop.values: found no a; allowed: '],
    [
      'shorter',
      { note: { ...note, max_length: 63 } as FieldSpec },
      'note.maxLength: found 63 characters; allowed: 64 ',
    ],
    ['higher minimum', { amount: field.decimal(2, { min: 1, max: 10_000 }) }, 'amount.min: found 1; allowed: up to 0'],
    [
      'lower maximum',
      { amount: field.decimal(2, { min: 0, max: 9_999 }) },
      'amount.max: found 9999; allowed: 10000 or',
    ],
    ['a minimum', { pieces: field.int({ default: 1, min: 0 }) }, 'pieces.min: found 0; allowed: none'],
    ['a maximum', { pieces: field.int({ default: 1, max: 9 }) }, 'pieces.max: found 9; allowed: none'],
    ['another scale', { amount: field.decimal(3, { min: 0, max: 10_000 }) }, 'amount.scale: found 3; allowed: 2'],
    ['another format', { paid_at: { ...paid_at, format: 'epoch_s' } as FieldSpec }, 'paid_at.format: found epoch_s; '],
    ['another default', { pieces: { ...pieces, default: 2 } }, 'pieces.default: found 2; allowed: 1'],
    ['another case', { note: { ...note, case: 'upper' } as FieldSpec }, 'note.case: found upper; allowed: as sent'],
    ['no trimming', { note: { ...note, trim: false } as FieldSpec }, 'note.trim: found false; allowed: true'],
  ])('%s', (_, over, sentence) => {
    const breaks = withFields(over);
    expect(breaks).toHaveLength(1);
    expect(breaks[0]).toContain(`contracts.buy@1.${sentence}`);
    expect(breaks[0]).toMatch(/; or schema version 2$/);
  });

  test('all of them are told', () => {
    expect(withFields({ shop: null, note: null, pieces: field.bool({ default: true }) })).toHaveLength(4);
  });

  test('an event type or a schema version that is gone', () => {
    expect(told(contractBreaks(released, [released[0]!]))).toEqual([
      'contracts.look: found a removed event type; allowed: the event type, as it was released',
    ]);
    expect(told(contractBreaks(released, [contractIR(contract('buy', 2, { fields: {} })), released[1]!]))).toEqual([
      'contracts.buy@1: found a removed schema version; allowed: schema version 1 beside a newer one',
    ]);
  });

  test('rules of the whole event', () => {
    const before = contract('buy', 1, {
      fields: FIELDS,
      derived: ({ pieces }) => ({
        more: expr.add(pieces, 1),
        same: expr.add(pieces, 0),
      }),
    });
    const now = contract('buy', 1, {
      eventTime: 'epoch_ms',
      maxFuture: '4m',
      fields: FIELDS,
      derived: ({ pieces }) => ({ more: expr.add(pieces, 2) }),
    });
    expect(told(contractBreaks([contractIR(before)], [contractIR(now)]))).toEqual([
      'contracts.buy@1.eventTime: found epoch_ms; allowed: iso8601; or schema version 2',
      'contracts.buy@1.maxFuture: found 240000 ms; allowed: 300000 ms or more; or schema version 2',
      'contracts.buy@1.more: found another expression; allowed: the expression as it was released; or schema version 2',
      'contracts.buy@1.same: found a removed derived column; allowed: the column as it was released; or schema version 2',
    ]);
  });
});

describe('an event that cancels others', () => {
  const buys = contract('buy', 1, { fields: {} });
  const looks = contract('look', 1, { fields: {} });
  const fields = { bought: field.string({ maxLength: 128 }), other: field.string({ maxLength: 128 }) };
  const refund = contract('refund', 1, { fields });
  const ofBuy = contract('refund', 1, { fields, retracts: ({ bought }) => ({ of: buys, id: bought }) });
  const byOther = contract('refund', 1, { fields, retracts: ({ other }) => ({ of: buys, id: other }) });
  const ofLook = contract('refund', 1, { fields, retracts: ({ bought }) => ({ of: looks, id: bought }) });

  test.each([
    ['no more', ofBuy, refund, 'found none; allowed: buy by bought'],
    ['from now', refund, ofBuy, 'found buy by bought; allowed: none'],
    ['by another field', ofBuy, byOther, 'found buy by other; allowed: buy by bought'],
    ['of another type', ofBuy, ofLook, 'found look by bought; allowed: buy by bought'],
  ])('%s: the same events mean something else', (_, before, now, sentence) => {
    const breaks = contractBreaks([contractIR(before)], [contractIR(now)]);
    expect(told(breaks)).toEqual([`contracts.refund@1.retracts: ${sentence}; or another event type`]);
    expect(breaks[0]!.effect).toBe('reread');
  });

  test('by the same rule breaks nobody', () => {
    expect(contractBreaks([contractIR(ofBuy)], [contractIR(ofBuy)])).toEqual([]);
  });
});

describe('what breaks nobody', () => {
  test.each<[string, Record<string, FieldSpec | null>]>([
    ['the same', {}],
    ['a new optional field', { till: field.int({ required: false }) }],
    ['a new field with a default', { till: field.int({ default: 0 }) }],
    ['another value', { shop: field.enum(['c', 'b', 'a'], { required: false }) }],
    ['a longer string', { note: field.string({ required: false, maxLength: 65 }) }],
    ['a wider range', { amount: field.decimal(2, { min: -1, max: 10_001 }) }],
    ['no range', { amount: field.decimal(2) }],
    ['a field made optional', { amount: field.decimal(2, { min: 0, max: 10_000, default: 0 }) }],
  ])('%s', (_, over) => {
    expect(withFields(over)).toEqual([]);
  });

  test('a new event type, a new schema version with other fields, a later clock, a derived column', () => {
    const [buy, look] = released;
    const other = contractIR(contract('buy', 2, { fields: { amount: field.string() } }));
    expect(contractBreaks(released, [contractIR(contract('pay', 1, { fields: {} })), look!, other, buy!])).toEqual([]);
    const wider = contract('buy', 1, {
      maxFuture: '6m',
      fields: FIELDS,
      derived: ({ pieces }) => ({ more: expr.add(pieces, 0) }),
    });
    expect(contractBreaks(released, [contractIR(wider), look!])).toEqual([]);
  });

  test('the change that is refused says which schema version is free', () => {
    const changed = contractIR(contract('buy', 1, { fields: { ...FIELDS, shop: field.int({ required: false }) } }));
    const second = contractIR(contract('buy', 2, { fields: FIELDS }));
    expect(told(contractBreaks(released, [changed, second, released[1]!]))).toEqual([
      'contracts.buy@1.shop.type: found int; allowed: enum; or schema version 3',
    ]);
  });
});
