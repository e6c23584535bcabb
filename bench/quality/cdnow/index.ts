/**
 * Who of CDNOW's customers has stopped: bought in the last 180 days, and does not in the next 90. They all came in the
 * first quarter of 1997, so that tenure says little here, and only the day of a purchase is known.
 */
import {
  contract,
  count,
  countDistinct,
  defineUseCase,
  derived,
  expr,
  field,
  max,
  mean,
  noEvent,
  sum,
  timeSinceFirst,
  timeSinceLast,
} from 'tidemark';

const { div, sub } = expr;

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
const purchases = count(all);
const days = countDistinct({ of: purchase.day, window: 'lifetime', cap: 1_024 });
const purchases_30d = count({ of: purchase, window: '30d' });
const purchases_90d = count({ of: purchase, window: '90d' });
const purchases_180d = count({ of: purchase, window: '180d' });
const spend = sum({ of: purchase.amount, window: 'lifetime' });
const spend_180d = sum({ of: purchase.amount, window: '180d' });
const cds = sum({ of: purchase.cds, window: 'lifetime' });
const largest = max({ of: purchase.amount, window: 'lifetime' });
const average = mean({ of: purchase.amount, window: 'lifetime' });
const usual_gap = derived(div(sub(since_first, since_last), sub(days, 1)), 'Mean time between days of purchases');
const silence_in_gaps = derived(div(since_last, usual_gap), 'Silence as a multiple of the usual gap');
const recent_share = derived(div(purchases_180d, purchases), 'Part of the purchases in 180 days');

const cdnow = {
  entity: 'customer',
  features: {
    since_last,
    since_first,
    purchases,
    days,
    purchases_30d,
    purchases_90d,
    purchases_180d,
    spend,
    spend_180d,
    cds,
    largest,
    average,
    usual_gap,
    silence_in_gaps,
    recent_share,
  },
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
    baselineInputs: [since_last, since_first, days, purchases_90d, purchases_180d, spend, average],
    hyperparameters: {
      max_depth: 3,
      eta: 0.05,
      subsample: 0.7,
      colsample_bytree: 0.5,
      min_child_weight: 20,
      num_boost_round: 2000,
      early_stopping_rounds: 50,
    },
    monotone: { increasing: [since_last] },
    train: { from: '1997-05-01T00:00:00Z', to: '1997-10-01T00:00:00Z', every: '14d' },
    validation: { from: '1998-01-01T00:00:00Z', to: '1998-01-01T00:00:00Z', every: '14d' },
    test: { from: '1998-04-01T00:00:00Z', to: '1998-04-01T00:00:00Z', every: '14d' },
    seed: 19_980_401,
    gate: { minAuc: 0.7, maxAuc: 0.9, minAucGainOverBaseline: -0.005, maxCalibrationError: 0.05 },
  },
});
