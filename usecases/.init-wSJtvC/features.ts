/**
 * What is known of an entity at any instant. Times are ms, decimals are in their smallest units. Change windows, leave out, add:
 * a change is a new version of the view, and its values are computed anew from all events.
 */
import { count, derived, expr, last, mean, sum, timeSinceFirst, timeSinceLast, type ViewSpec } from 'tidemark';
import { purchase } from './events.ts';

const { div, sub } = expr;

export const purchases_7d = count({ of: purchase, window: '7d', description: 'Purchases in 7 days' });
export const purchases_28d = count({ of: purchase, window: '28d', description: 'Purchases in 28 days' });
export const purchases_90d = count({ of: purchase, window: '90d', description: 'Purchases in 90 days' });
export const purchases = count({ of: purchase, window: 'lifetime', description: 'Purchases ever' });
export const since_last_purchase = timeSinceLast({ of: purchase, window: 'lifetime', description: 'Silence, ms' });
export const since_first_purchase = timeSinceFirst({ of: purchase, window: 'lifetime', description: 'Tenure, ms' });
export const usual_gap = derived(
  div(sub(since_first_purchase, since_last_purchase), sub(purchases, 1)),
  'Mean time between purchases, ms; null before the second',
);
export const silence_in_gaps = derived(div(since_last_purchase, usual_gap), 'Silence as a multiple of the usual gap');
export const number_of_cds_28d = sum({
  of: purchase.number_of_cds,
  window: '28d',
  description: 'Number of cds in 28 days',
});
export const number_of_cds_90d = sum({
  of: purchase.number_of_cds,
  window: '90d',
  description: 'Number of cds in 90 days',
});
export const mean_number_of_cds = mean({
  of: purchase.number_of_cds,
  window: 'lifetime',
  description: 'Mean number of cds',
});
export const last_number_of_cds = last({
  of: purchase.number_of_cds,
  window: 'lifetime',
  description: 'Number of cds of the last one',
});
export const number_of_cds_trend = derived(
  div(number_of_cds_28d, number_of_cds_90d),
  'Part of the number of cds of 90 days in the last 28 days',
);
export const dollar_value_28d = sum({
  of: purchase.dollar_value,
  window: '28d',
  description: 'Dollar value in 28 days, in units of 10^-2',
});
export const dollar_value_90d = sum({
  of: purchase.dollar_value,
  window: '90d',
  description: 'Dollar value in 90 days, in units of 10^-2',
});
export const mean_dollar_value = mean({
  of: purchase.dollar_value,
  window: 'lifetime',
  description: 'Mean dollar value, in units of 10^-2',
});
export const last_dollar_value = last({
  of: purchase.dollar_value,
  window: 'lifetime',
  description: 'Dollar value of the last one, in units of 10^-2',
});
export const dollar_value_trend = derived(
  div(dollar_value_28d, dollar_value_90d),
  'Part of the dollar value of 90 days in the last 28 days',
);

/** What is computed from others stands after them. */
export const view = {
  entity: 'customer',
  features: {
    purchases_7d,
    purchases_28d,
    purchases_90d,
    purchases,
    since_last_purchase,
    since_first_purchase,
    usual_gap,
    silence_in_gaps,
    number_of_cds_28d,
    number_of_cds_90d,
    mean_number_of_cds,
    last_number_of_cds,
    number_of_cds_trend,
    dollar_value_28d,
    dollar_value_90d,
    mean_dollar_value,
    last_dollar_value,
    dollar_value_trend,
  },
} satisfies ViewSpec;
