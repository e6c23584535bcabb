/**
 * What is known of a household at any instant: aggregations over windows of events, and what is computed from these. Times
 * are ms, money is cents. Every window is 12 days or longer, so that a state needs daily tiles only, and one of lifetime.
 */
import {
  count,
  countDistinct,
  derived,
  expr,
  last,
  max,
  mean,
  sum,
  timeSinceFirst,
  timeSinceLast,
  type ViewSpec,
} from 'tidemark';
import { basket, campaignMailing, couponRedemption, demographics } from './events.ts';

const { add, div, mul, sub } = expr;
const FORTNIGHT_MS = 14 * 86_400_000;
/** Cents: about the mean basket. Below it a visit is a top-up, which says less about loyalty. */
const BIG_BASKET = 3_000;

// How often, and how much.
export const baskets_14d = count({ of: basket, window: '14d', description: 'Baskets in 14 days' });
export const baskets_28d = count({ of: basket, window: '28d', description: 'Baskets in 28 days' });
export const baskets_90d = count({ of: basket, window: '90d', description: 'Baskets in 90 days' });
export const baskets = count({ of: basket, window: 'lifetime', description: 'Baskets ever' });
export const spend_28d = sum({ of: basket.amount, window: '28d', description: 'Cents spent in 28 days' });
export const spend_90d = sum({ of: basket.amount, window: '90d', description: 'Cents spent in 90 days' });
export const spend = sum({ of: basket.amount, window: 'lifetime', description: 'Cents spent ever' });
export const items_90d = sum({ of: basket.items, window: '90d', description: 'Products bought in 90 days' });
export const largest_basket_90d = max({ of: basket.amount, window: '90d', description: 'Cents of the largest basket' });
export const last_basket_amount = last({
  of: basket.amount,
  window: 'lifetime',
  description: 'Cents of the last basket',
});
export const big_baskets_90d = count({
  of: basket,
  where: basket.amount.gte(BIG_BASKET),
  window: '90d',
  description: 'Baskets of 30 dollars and more in 90 days',
});
export const average_basket = derived(div(spend, baskets), 'Cents of a basket, over all of the past');

// How long silent, and how long it usually is: the household's own cadence.
export const since_last_basket = timeSinceLast({ of: basket, window: 'lifetime', description: 'Silence' });
export const since_first_basket = timeSinceFirst({ of: basket, window: 'lifetime', description: 'Tenure' });
export const since_last_big_basket = timeSinceLast({
  of: basket,
  where: basket.amount.gte(BIG_BASKET),
  window: 'lifetime',
  description: 'Since the last basket of 30 dollars and more',
});
export const since_last_groceries = timeSinceLast({
  of: basket,
  where: basket.top_department.ne('FUEL'),
  window: 'lifetime',
  description: 'Since the last basket that was not mainly fuel',
});
export const since_last_basket_90d = timeSinceLast({ of: basket, window: '90d' });
export const since_first_basket_90d = timeSinceFirst({ of: basket, window: '90d' });
export const usual_gap = derived(
  div(sub(since_first_basket, since_last_basket), sub(baskets, 1)),
  'Mean time between baskets, ever; null before the second',
);
export const usual_gap_90d = derived(
  div(sub(since_first_basket_90d, since_last_basket_90d), sub(baskets_90d, 1)),
  'Mean time between the baskets of 90 days',
);
export const silence_in_gaps = derived(div(since_last_basket, usual_gap), 'Silence as a multiple of the usual gap');
export const silence_in_gaps_90d = derived(
  div(since_last_basket, usual_gap_90d),
  'Silence as a multiple of the recent gap',
);
export const silence_beyond_gap = derived(
  sub(since_last_basket, usual_gap),
  'Silence that the usual gap does not explain',
);
export const silence_of_tenure = derived(
  div(since_last_basket, since_first_basket),
  'Part of the tenure that is silence',
);
export const expected_baskets = derived(
  mul(div(baskets, since_first_basket), FORTNIGHT_MS),
  'Baskets a fortnight, at the pace of the whole tenure',
);

// Is it slowing down?
export const baskets_14d_of_28d = derived(
  div(baskets_14d, baskets_28d),
  'Part of the baskets of 28 days in the last 14',
);
export const baskets_28d_of_90d = derived(
  div(baskets_28d, baskets_90d),
  'Part of the baskets of 90 days in the last 28',
);
export const spend_28d_of_90d = derived(div(spend_28d, spend_90d), 'Part of the spend of 90 days in the last 28');
export const pace_28d = derived(div(baskets_28d, expected_baskets), 'Baskets of 28 days against the usual fortnight');

// What kind of customer.
export const fuel_baskets_90d = count({
  of: basket,
  where: basket.top_department.eq('FUEL'),
  window: '90d',
  description: 'Baskets that were mainly fuel in 90 days',
});
export const retail_discount_90d = sum({ of: basket.retail_discount, window: '90d', description: 'Cents in 90 days' });
export const discount_share_90d = derived(
  div(retail_discount_90d, add(spend_90d, retail_discount_90d)),
  'Loyalty-card discount as a part of the undiscounted price',
);
export const private_brand_90d = sum({
  of: basket.private_brand_amount,
  window: '90d',
  description: 'Cents in 90 days',
});
export const private_brand_share_90d = derived(
  div(private_brand_90d, spend_90d),
  "Part of the spend on the retailer's brand",
);
export const departments_a_basket_90d = mean({
  of: basket.departments,
  window: '90d',
  description: 'Departments visited a basket',
});
export const top_departments_90d = countDistinct({
  of: basket.top_department,
  window: '90d',
  cap: 16,
  description: 'Different departments that led a basket',
});
export const stores_90d = countDistinct({ of: basket.store_id, window: '90d', cap: 16, description: 'Stores visited' });

// What the retailer did, and how the household answered.
export const coupon_baskets_90d = count({
  of: basket,
  where: basket.coupon_discount.gt(0),
  window: '90d',
  description: 'Baskets paid in part by coupons in 90 days',
});
export const mailings_90d = count({ of: campaignMailing, window: '90d', description: 'Campaigns received in 90 days' });
export const since_last_mailing = timeSinceLast({ of: campaignMailing, window: 'lifetime' });
export const redemptions_90d = count({
  of: couponRedemption,
  window: '90d',
  description: 'Coupons redeemed in 90 days',
});
export const since_last_redemption = timeSinceLast({ of: couponRedemption, window: 'lifetime' });

// Read by people and the API; no input of the model. Its source has no date, and that a household was asked at all may be
// decided by how it went on to buy: the model would learn from the future.
export const household_size = last({ of: demographics.household_size, window: 'lifetime' });

/** Names are public: states, models and the API know a feature by its key. What is computed from others stands after them. */
export const churnView = {
  entity: 'household',
  dedupe: { horizon: '3d', cap: 128 },
  features: {
    baskets_14d,
    baskets_28d,
    baskets_90d,
    baskets,
    spend_28d,
    spend_90d,
    spend,
    items_90d,
    largest_basket_90d,
    last_basket_amount,
    big_baskets_90d,
    average_basket,
    since_last_basket,
    since_first_basket,
    since_last_big_basket,
    since_last_groceries,
    since_last_basket_90d,
    since_first_basket_90d,
    usual_gap,
    usual_gap_90d,
    silence_in_gaps,
    silence_in_gaps_90d,
    silence_beyond_gap,
    silence_of_tenure,
    expected_baskets,
    baskets_14d_of_28d,
    baskets_28d_of_90d,
    spend_28d_of_90d,
    pace_28d,
    fuel_baskets_90d,
    retail_discount_90d,
    discount_share_90d,
    private_brand_90d,
    private_brand_share_90d,
    departments_a_basket_90d,
    top_departments_90d,
    stores_90d,
    coupon_baskets_90d,
    mailings_90d,
    since_last_mailing,
    redemptions_90d,
    since_last_redemption,
    household_size,
  },
} satisfies ViewSpec;
