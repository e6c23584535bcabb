/**
 * Who of CDNOW's customers has stopped: bought in the last 180 days, and does not in the next 90. They all came in the
 * first quarter of 1997, so that tenure says little here, and only the day of a purchase is known.
 */
import {
  contract,
  countDistinct,
  defineUseCase,
  derived,
  expr,
  field,
  noEvent,
  sum,
  timeSinceFirst,
  timeSinceLast,
} from 'tidemark';

const { div } = expr;

const purchase = contract('purchase', 1, {
  fields: {
    /** Of the purchase, so that several in one day are one visit. */
    day: field.string({ maxLength: 10 }),
    cds: field.int({ min: 0, max: 1_000 }),
    amount: field.decimal(2, { min: 0, max: 1_000_000 }),
  },
});

const all = { of: purchase, window: 'lifetime' } as const;
const since_last = timeSinceLast(all);
const since_first = timeSinceFirst(all);
const days = countDistinct({ of: purchase.day, window: 'lifetime', cap: 1_024 });
const days_180d = countDistinct({ of: purchase.day, window: '180d', cap: 1_024 });
const spend = sum({ of: purchase.amount, window: 'lifetime' });
const cds = sum({ of: purchase.cds, window: 'lifetime' });
const pace = derived(div(days, since_first), 'Days of purchases by the length of the tenure');
const silence_of_tenure = derived(div(since_last, since_first), 'Part of the tenure that is silence');

const cdnow = {
  entity: 'customer',
  features: { since_last, since_first, days, days_180d, spend, cds, pace, silence_of_tenure },
};

export default defineUseCase({
  name: 'cdnow',
  entity: 'customer',
  contracts: [purchase],
  views: { cdnow },
  label: noEvent({ name: 'stopped', of: purchase, horizon: '90d', eligible: { of: purchase, within: '180d' } }),
  model: {
    name: 'cdnow',
    inputs: Object.values(cdnow.features),
    /** Chosen on earlier slices (`--rolling`), where fourteen inputs and deeper trees ranked no better than these. */
    baselineInputs: [since_last, since_first, days, days_180d, spend, cds, silence_of_tenure],
    hyperparameters: {
      max_depth: 2,
      eta: 0.05,
      subsample: 0.7,
      colsample_bytree: 0.5,
      min_child_weight: 20,
      num_boost_round: 2000,
      early_stopping_rounds: 50,
    },
    monotone: { increasing: [since_last] },
    train: { from: '1997-05-01T00:00:00Z', to: '1997-10-03T00:00:00Z', every: '7d' },
    validation: { from: '1998-01-01T00:00:00Z', to: '1998-01-01T00:00:00Z', every: '14d' },
    test: { from: '1998-04-01T00:00:00Z', to: '1998-04-01T00:00:00Z', every: '14d' },
    seed: 19_980_401,
    gate: { minAuc: 0.7, maxAuc: 0.9, minAucGainOverBaseline: -0.005, maxCalibrationError: 0.05 },
  },
});
