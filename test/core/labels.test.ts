/** What each kind of label compiles to, and what label and instants must agree on. */
import { describe, expect, test } from '@jest/globals';
import {
  category,
  contract,
  count,
  defineUseCase,
  event,
  field,
  type Label,
  type ModelSpec,
  noEvent,
  sumReaches,
  sumStaysBelow,
} from '../../core/definition/define.ts';
import { labelIR } from '../../core/definition/label.ts';

const DAY = 86_400_000;
const order = contract('order', 1, {
  fields: {
    amount: field.decimal(2, { min: 0, max: 1e6 }),
    channel: field.enum(['web', 'shop']),
    plan: field.string(),
    free: field.int(),
  },
});
const orderNow = contract('order', 2, { fields: { channel: field.enum(['web', 'shop', 'phone']) } });
const closed = contract('closed', 1, { fields: {} });
const n = count({ of: order, window: '7d' });
const view = { entity: 'customer', features: { n } };
const model: ModelSpec = {
  ...{ name: 'some', view, inputs: [n], baselineInputs: [n], seed: 1 },
  train: { from: '2017-05-01T00:00:00Z', to: '2017-09-01T00:00:00Z', every: '14d' },
  validation: { from: '2017-09-15T00:00:00Z', to: '2017-10-01T00:00:00Z', every: '14d' },
  test: { from: '2017-11-01T00:00:00Z', to: '2017-11-01T00:00:00Z', every: '14d' },
  gate: { minAuc: 0.7, maxAuc: 0.95, minAucGainOverBaseline: 0, maxCalibrationError: 0.1 },
};
const useCase = (label: Label, changed: Partial<ModelSpec> = {}) =>
  defineUseCase({
    ...{ name: 'some', entity: 'customer', contracts: [order, orderNow, closed], views: { some: view } },
    ...{ label, model: { ...model, ...changed } },
  });
const base = { name: 'it', horizon: '14d' };
const common = { name: 'it', event_type: 'order', where: [], horizon_ms: 14 * DAY, eligible: { event_type: 'order' } };

describe('compiled', () => {
  test.each<[string, Label, object]>([
    ['no event', noEvent({ ...base, of: order }), { kind: 'no_event', ...common }],
    [
      'an event, of those active, with late facts and an end of observation',
      event({
        name: 'it',
        of: order,
        eligible: { of: order, within: '180d' },
        horizon: '11d',
        maturity: '3d',
        censor: closed,
      }),
      {
        ...{ kind: 'event', ...common, eligible: { event_type: 'order', within_ms: 180 * DAY } },
        ...{ horizon_ms: 11 * DAY, maturity_ms: 3 * DAY, censor: { event_type: 'closed' } },
      },
    ],
    [
      'a sum that reaches a level',
      sumReaches({ ...base, of: order.amount, atLeast: 100, where: order.channel.eq('web'), eligible: closed }),
      {
        ...{ kind: 'sum', ...common, field: 'amount', at_least: 100, eligible: { event_type: 'closed' } },
        where: [{ field: 'channel', op: 'eq', value: 'web' }],
      },
    ],
    [
      'a sum that stays below one',
      sumStaysBelow({ ...base, of: order.amount, below: 100 }),
      { kind: 'sum', ...common, field: 'amount', below: 100 },
    ],
    [
      'a category',
      category({ ...base, of: order.channel, values: ['web'] }),
      { kind: 'category', ...common, field: 'channel', values: ['web'] },
    ],
    [
      'a category of another version, of those that have one',
      category({ ...base, of: orderNow.channel, values: ['phone'], whenNone: 'drop' }),
      { kind: 'category', ...common, field: 'channel', values: ['phone'], when_none: 'drop' },
    ],
  ])('%s', (_, label, wanted) => {
    expect(labelIR(label)).toEqual(wanted);
    expect(useCase(label).label).toEqual(wanted);
  });

  test('the label and the sampling change nothing of a view', () => {
    const sampled = useCase(event({ ...base, of: order }), { sampling: { fraction: 0.25, seed: 7 } });
    expect(sampled.model.sampling).toEqual({ fraction: 0.25, seed: 7 });
    expect(sampled.views).toEqual(useCase(noEvent({ ...base, of: order })).views);
    expect('sampling' in useCase(noEvent({ ...base, of: order })).model).toBe(false);
  });
});

describe('refused', () => {
  test.each<[string, () => Label, RegExp]>([
    [
      'a sum of what has no bounds',
      () => sumReaches({ ...base, of: order.free, atLeast: 1 }),
      /^label\.of: found free without min and max/,
    ],
    [
      'a sum of texts',
      () => sumReaches({ ...base, of: order.plan as never, atLeast: 1 }),
      /^label\.of: found string field; allowed: int/,
    ],
    [
      'a category of texts',
      () => category({ ...base, of: order.plan as never, values: ['a'] }),
      /^label\.of: found string field; allowed: enum fields/,
    ],
    [
      'a category that is none',
      () => category({ ...base, of: order.channel, values: ['fax' as 'web'] }),
      /^label\.values: found 'fax'; allowed: web, shop, phone/,
    ],
    [
      'a category twice',
      () => category({ ...base, of: order.channel, values: ['web', 'web'] }),
      /^label\.values: found web twice/,
    ],
    [
      'an end of observation by the event itself',
      () => noEvent({ ...base, of: order, censor: order }),
      /^label\.censor: found the event type that the label is about/,
    ],
    [
      'a look-back without its length',
      () => noEvent({ ...base, of: order, eligible: { of: order } as never }),
      /^label\.eligible\.within: found nothing; allowed: a text/,
    ],
    [
      'a look-back of nothing',
      () => noEvent({ ...base, of: order, eligible: { of: order, within: '0d' } }),
      /^label\.eligible\.within: found '0d'/,
    ],
  ])('%s', (_, label, message) => {
    expect(() => useCase(label())).toThrow(message);
  });

  test('splits closer together than the horizon and the wait for late facts', () => {
    const open = (label: Label) => () => useCase(label);
    expect(open(event({ ...base, of: order, maturity: '1d' }))).toThrow(
      /^model\.validation\.from: found an instant inside the label horizon of train\.to; allowed: .* label\.horizon \+ label\.maturity/,
    );
    expect(open(event({ ...base, horizon: '15d', of: order }))).toThrow(/^model\.validation\.from/);
    expect(open(event({ ...base, of: order }))).not.toThrow();
    const later = { from: '2017-09-15T00:00:00Z', to: '2017-10-20T00:00:00Z', every: '14d' };
    expect(() => useCase(event({ ...base, of: order }), { validation: later })).toThrow(/^model\.test\.from/);
  });

  test('a sum with two levels, or a part of all that is all', () => {
    const ir = useCase(sumReaches({ ...base, of: order.amount, atLeast: 1 }));
    expect(() => useCase(withLabel({ ...ir.label, below: 1 }))).toThrow(/^label\.at_least: found both or neither/);
    expect(() => useCase(noEvent({ ...base, of: order }), { sampling: { fraction: 1, seed: 1 } })).toThrow(
      /^model\.sampling\.fraction/,
    );
  });
});

/** A label as a document that nobody's function made. */
function withLabel(ir: object): Label {
  const symbol = Object.getOwnPropertySymbols(noEvent({ ...base, of: order }))[0]!;
  return { [symbol]: ir } as never;
}
