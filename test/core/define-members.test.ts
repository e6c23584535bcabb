/** A definition with a member that is missing, of another kind or misspelt is refused by its name, whichever function takes it. */
import { describe, expect, test } from '@jest/globals';
import * as define from '../../core/definition/define.ts';
import { COLUMN, CONTRACT, FEATURE } from '../../core/definition/symbols.ts';
import { DefinitionError, shown } from '../../core/ir/errors.ts';

const { category, contract, count, defineUseCase, derived, event, expr, field, noEvent, series } = define;
const { sumReaches, sumStaysBelow } = define;

type Call = readonly [...unknown[]];

const order = contract('order', 1, {
  fields: { amount: field.decimal(2, { min: 0, max: 1e6 }), channel: field.enum(['web', 'shop']), id: field.string() },
});
const orders = count({ of: order, window: '28d', where: [order.channel.eq('web'), order.amount.gt(5)] });
const model = {
  name: 'm',
  inputs: [orders],
  baselineInputs: [orders],
  hyperparameters: { depth: 3 },
  monotone: { increasing: [orders], decreasing: [] },
  train: { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', every: '7d' },
  validation: { from: '2026-04-01T00:00:00Z', to: '2026-05-01T00:00:00Z', every: '7d' },
  test: { from: '2026-07-01T00:00:00Z', to: '2026-08-01T00:00:00Z', every: '7d' },
  seed: 1,
  sampling: { fraction: 0.5, seed: 2 },
  gate: { minAuc: 0.5, maxAuc: 0.99, minAucGainOverBaseline: 0, maxCalibrationError: 0.1 },
};
const label = { name: 'quiet', of: order, where: order.channel.ne('shop'), horizon: '14d', eligible: order };
const useCase = {
  name: 'shop',
  entity: 'customer',
  contracts: [
    order,
    contract('refund', 1, {
      fields: { order_id: field.string() },
      retracts: ({ order_id }) => ({ of: order, id: order_id }),
    }),
  ],
  views: {
    customer: {
      entity: 'customer',
      dedupe: { horizon: '3d', cap: 64 },
      retractions: { horizon: '30d', cap: 64 },
      retention: '90d',
      features: {
        orders,
        weekly: series(count({ of: order, window: '7d' }), 2),
        ratio: derived(expr.ratio(orders, 2)),
      },
    },
  },
  label: noEvent(label),
  model,
  alerts: {
    name: 'a',
    threshold: 0.8,
    rearmBelow: 0.6,
    cooldown: '7d',
    topReasons: 2,
    title: 't',
    link: 'l',
    reasons: [{ of: orders, text: 'few', format: 'number' as const }],
  },
  availableLag: '1s',
};

/** Puts a feature where it is compiled. */
const inView = (extra: unknown) =>
  defineUseCase({
    name: 'shop',
    entity: 'customer',
    contracts: [order],
    views: { customer: { entity: 'customer', features: { orders, extra } } },
  } as unknown as Parameters<typeof defineUseCase>[0]);
const spec = {
  of: order.amount,
  window: '28d',
  where: order.channel.in(['web']),
  description: 'd',
};
const aggregations = [
  'sum',
  'mean',
  'min',
  'max',
  'variance',
  'first',
  'last',
  'timeSinceLast',
  'timeSinceFirst',
  'count',
];

const line = contract('line', 1, { fields: { n: field.int() } });
type Numbers = { n: define.Column<'refund', 'int'> };

/** Every function of a definition, with all that it takes. */
const CALLS: Record<string, readonly [(...args: never[]) => unknown, Call]> = {
  contract: [
    contract,
    [
      'refund',
      1,
      {
        eventTime: 'iso8601',
        maxFuture: '5m',
        fields: { order_id: field.string(), n: field.int() },
        derived: ({ n }: Numbers) => ({ big: expr.gt(n, 1), bounded: { expr: expr.mul(n, 2), min: 0, max: 5 } }),
        retracts: ({ order_id }: { order_id: define.Column<'refund', 'string'> }) => ({ of: order, id: order_id }),
      },
    ],
  ],
  // What a function of the fields makes.
  'contract.derived': [
    (...derived: never[]) => contract('line', 1, { fields: { n: field.int() }, derived: () => derived[0]! }),
    [{ big: expr.gt(line.n, 1), bounded: { expr: expr.mul(line.n, 2), min: 0, max: 5 } }],
  ],
  'contract.retracts': [
    (...retracts: never[]) => contract('undo', 1, { fields: { id: field.string() }, retracts: () => retracts[0]! }),
    [{ of: order, id: contract('undo', 1, { fields: { id: field.string() } }).id }],
  ],
  'field.string': [
    field.string,
    [{ from: 'x', required: true, default: 'd', trim: true, case: 'lower', maxLength: 5 }],
  ],
  'field.enum': [field.enum, [['a', 'b'], { from: 'x', required: true, default: 'a', trim: true, case: 'lower' }]],
  'field.int': [field.int, [{ from: 'x', required: true, default: 1, min: 0, max: 5 }]],
  'field.decimal': [field.decimal, [2, { from: 'x', required: true, default: 1, min: 0, max: 5 }]],
  'field.bool': [field.bool, [{ from: 'x', required: true, default: true }]],
  'field.timestamp': [field.timestamp, ['epoch_s', { from: 'x', required: true, default: 1 }]],
  noEvent: [noEvent, [label]],
  event: [event, [{ ...label, eligible: { of: order, within: '180d' }, maturity: '7d', censor: line }]],
  sumReaches: [sumReaches, [{ ...label, of: order.amount, atLeast: 100 }]],
  sumStaysBelow: [sumStaysBelow, [{ ...label, of: order.amount, below: 100 }]],
  category: [category, [{ ...label, of: order.channel, values: ['web'], whenNone: 'drop' }]],
  defineUseCase: [defineUseCase, [useCase]],
  derived: [(...args: Parameters<typeof derived>) => inView(derived(...args)), [expr.ratio(orders, 2), 'why']],
  ratio: [(...args: [never, never]) => inView(derived(expr.ratio(...args))), [orders, 2]],
  meanOf: [(...args: Parameters<typeof expr.meanOf>) => inView(derived(expr.meanOf(...args))), [orders]],
  series: [(...args: Parameters<typeof series>) => inView(series(...args)), [count({ of: order, window: '7d' }), 3]],
  trend: [
    (...args: Parameters<typeof expr.trend>) => inView(derived(expr.trend(...args))),
    [series(count({ of: order, window: '7d' }), 3)],
  ],
  ...Object.fromEntries(
    [...aggregations, 'lastK', 'countDistinct', 'histogram'].map((name) => {
      const make = (define as unknown as Record<string, (one: unknown) => unknown>)[name]!;
      const k = name === 'lastK' || name === 'histogram' ? { k: 3 } : {};
      const cap = name === 'countDistinct' || name === 'histogram' ? { cap: 64, of: order.channel } : {};
      return [name, [(one: unknown) => inView(make(one)), [{ ...spec, ...k, ...cap }]]] as const;
    }),
  ),
};

const VALUES: readonly unknown[] = [
  undefined,
  null,
  5,
  Number.NaN,
  'x',
  '',
  true,
  [],
  [null],
  {},
  { [CONTRACT]: 5, [COLUMN]: 5, [FEATURE]: 5 },
  order,
  order.amount,
  orders,
  () => {},
  Symbol('s'),
];
const isPlain = (value: unknown) => typeof value === 'object' && value !== null;

/** Each place in the arguments, outermost first. */
function* places(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (path.length > 0) yield path;
  // What a function of a definition made is tried where that function is.
  if (!isPlain(value) || path.length > 5 || Object.getOwnPropertySymbols(value).length > 0) return;
  for (const key of Object.keys(value as object))
    yield* places((value as Record<string, unknown>)[key], [...path, key]);
}

type Holder = Record<string, unknown>;

function changed(
  value: unknown,
  [key, ...rest]: readonly string[],
  change: (holder: Holder, key: string) => void,
): unknown {
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Holder;
  if (rest.length === 0) change(copy, key!);
  else copy[key!] = changed(copy[key!], rest, change);
  return copy;
}

/** Nothing is thrown, or a sentence. */
function verdict(run: () => unknown): string {
  try {
    run();
    return 'taken';
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    expect(error.message).toMatch(/^\S.*: found .+; allowed: .+/s);
    expect(error.message).not.toMatch(/undefined|\[object/);
    return error.field;
  }
}

describe.each(Object.keys(CALLS))('%s', (name) => {
  const [make, args] = CALLS[name]! as readonly [(...args: unknown[]) => unknown, Call];

  test('without one of its members, and with any value in its place (property)', () => {
    let refused = 0;
    for (const place of places(args)) {
      const without = changed(args, place, (holder, key) => void Reflect.deleteProperty(holder, key));
      const others = VALUES.map((value) =>
        changed(args, place, (holder, key) => void Object.assign(holder, { [key]: value })),
      );
      for (const one of [without, ...others]) if (verdict(() => make(...(one as unknown[]))) !== 'taken') refused++;
    }
    expect(refused).toBeGreaterThan(0);
  });

  test('a member that is misspelt is named', () => {
    const at = args.findIndex(
      (one) =>
        isPlain(one) &&
        !Array.isArray(one) &&
        Object.getOwnPropertySymbols(one).length === 0 &&
        !('windows' in (one as object)),
    );
    if (at < 0) return;
    const misspelt = changed(args, [String(at), 'windw'], (holder, key) => void Object.assign(holder, { [key]: '7d' }));
    expect(verdict(() => make(...(misspelt as unknown[])))).toMatch(/(^|\.)windw$/);
  });
});

test.each([
  [
    'a bound that is misspelt',
    () =>
      contract('a', 1, {
        fields: { b: field.int() },
        derived: ({ b }) => ({ c: { expr: expr.mul(b, 2), maks: 5 } as never }),
      }),
    /^contracts\.a\.derived\.c\.maks: found a member of this name; allowed: expr, min, max/,
  ],
  [
    'the form of an object',
    () => contract({ type: 'refund' } as never, undefined as never, undefined as never),
    /^contract: found \(an object, nothing, nothing\); allowed: contract\('order', 1,/,
  ],
  [
    'no fields',
    () => contract('refund', 1, {} as never),
    /^contracts\.refund\.fields: found nothing; allowed: an object/,
  ],
  [
    'no label',
    () => defineUseCase({ ...useCase, label: 5 } as never),
    /^label: found 5; allowed: a label such as noEvent/,
  ],
  [
    'no contract to count',
    () => inView(count({ window: '1d' } as never)),
    /^features\.extra\.of: found nothing; allowed: a contract, or a column such as/,
  ],
  [
    'a week',
    () => inView(count({ of: order, window: '1w' })),
    /^features\.extra\.window: found '1w'; allowed: a duration/,
  ],
  [
    'a condition',
    () => inView(count({ of: order, window: '1d', where: order.amount.gt('ten' as never) })),
    /^features\.extra\.where\.amount: found 'ten'; allowed: number/,
  ],
  [
    'a list of conditions',
    () => inView(count({ of: order, window: '1d', where: order.channel.in(['web', 5 as never]) })),
    /^features\.extra\.where\.channel: found 5; allowed: a string/,
  ],
  [
    'a cap that nothing reads',
    () => inView(count({ of: order, window: '1d', cap: 5000 } as never)),
    /^features\.extra\.cap: found a member of this name; allowed: of, where/,
  ],
  [
    'a field that is not called',
    () => contract('a', 1, { fields: { b: field.string as never } }),
    /^contracts\.a\.fields\.b: found a function/,
  ],
])('%s', (_, run, message) => {
  expect(run).toThrow(DefinitionError);
  expect(run).toThrow(message);
});

test('what is shown is short', () => {
  expect([undefined, null, 5, true, "it's\n", [1, 2], {}, () => {}].map(shown)).toEqual([
    'nothing',
    'null',
    '5',
    'true',
    "'it's\\n'",
    'a list of 2',
    'an object',
    'a function',
  ]);
  expect(shown('x'.repeat(40))).toHaveLength(42);
  expect(shown('x'.repeat(41))).toBe('a text of 41 characters');
});
