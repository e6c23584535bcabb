/**
 * What is known of a household at any instant. Times are ms, money is cents, windows have sawtooth edges of one day:
 * every window is 12 days or longer, so that a state needs one level of daily tiles and one of lifetime.
 */
import {
  count,
  countDistinct,
  derived,
  expr,
  type FeatureSpec,
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

/** How often, and how much. */
const activity: Record<string, FeatureSpec> = {
  baskets_14d: count({ of: basket, window: '14d', description: 'Baskets in 14 days' }),
  baskets_28d: count({ of: basket, window: '28d', description: 'Baskets in 28 days' }),
  baskets_90d: count({ of: basket, window: '90d', description: 'Baskets in 90 days' }),
  baskets: count({ of: basket, window: 'lifetime', description: 'Baskets ever' }),
  spend_28d: sum({ of: basket, field: 'amount', window: '28d', description: 'Cents spent in 28 days' }),
  spend_90d: sum({ of: basket, field: 'amount', window: '90d', description: 'Cents spent in 90 days' }),
  spend: sum({ of: basket, field: 'amount', window: 'lifetime', description: 'Cents spent ever' }),
  items_90d: sum({ of: basket, field: 'items', window: '90d', description: 'Products bought in 90 days' }),
  largest_basket_90d: max({ of: basket, field: 'amount', window: '90d', description: 'Cents of the largest basket' }),
  last_basket_amount: last({
    of: basket,
    field: 'amount',
    window: 'lifetime',
    description: 'Cents of the last basket',
  }),
  big_baskets_90d: count({
    of: basket,
    where: { amount: { gte: BIG_BASKET } },
    window: '90d',
    description: 'Baskets of 30 dollars and more in 90 days',
  }),
  average_basket: derived(div('spend', 'baskets'), 'Cents of a basket, over all of the past'),
};

/** How long silent, and how long it usually is: the household's own cadence. */
const rhythm: Record<string, FeatureSpec> = {
  since_last_basket: timeSinceLast({ of: basket, window: 'lifetime', description: 'Silence' }),
  since_first_basket: timeSinceFirst({ of: basket, window: 'lifetime', description: 'Tenure' }),
  since_last_big_basket: timeSinceLast({
    of: basket,
    where: { amount: { gte: BIG_BASKET } },
    window: 'lifetime',
    description: 'Since the last basket of 30 dollars and more',
  }),
  since_last_groceries: timeSinceLast({
    of: basket,
    where: { top_department: { ne: 'FUEL' } },
    window: 'lifetime',
    description: 'Since the last basket that was not mainly fuel',
  }),
  since_last_basket_90d: timeSinceLast({ of: basket, window: '90d' }),
  since_first_basket_90d: timeSinceFirst({ of: basket, window: '90d' }),
  usual_gap: derived(
    div(sub('since_first_basket', 'since_last_basket'), sub('baskets', 1)),
    'Mean time between baskets, ever; null before the second',
  ),
  usual_gap_90d: derived(
    div(sub('since_first_basket_90d', 'since_last_basket_90d'), sub('baskets_90d', 1)),
    'Mean time between the baskets of 90 days',
  ),
  silence_in_gaps: derived(div('since_last_basket', 'usual_gap'), 'Silence as a multiple of the usual gap'),
  silence_in_gaps_90d: derived(div('since_last_basket', 'usual_gap_90d'), 'Silence as a multiple of the recent gap'),
  silence_beyond_gap: derived(sub('since_last_basket', 'usual_gap'), 'Silence that the usual gap does not explain'),
  silence_of_tenure: derived(div('since_last_basket', 'since_first_basket'), 'Part of the tenure that is silence'),
  expected_baskets: derived(
    mul(div('baskets', 'since_first_basket'), FORTNIGHT_MS),
    'Baskets a fortnight, at the pace of the whole tenure',
  ),
};

/** Is it slowing down? */
const trend: Record<string, FeatureSpec> = {
  baskets_14d_of_28d: derived(div('baskets_14d', 'baskets_28d'), 'Part of the baskets of 28 days in the last 14'),
  baskets_28d_of_90d: derived(div('baskets_28d', 'baskets_90d'), 'Part of the baskets of 90 days in the last 28'),
  spend_28d_of_90d: derived(div('spend_28d', 'spend_90d'), 'Part of the spend of 90 days in the last 28'),
  pace_28d: derived(div('baskets_28d', 'expected_baskets'), 'Baskets of 28 days against the usual fortnight'),
};

/** What kind of customer. */
const habits: Record<string, FeatureSpec> = {
  fuel_baskets_90d: count({
    of: basket,
    where: { top_department: 'FUEL' },
    window: '90d',
    description: 'Baskets that were mainly fuel in 90 days',
  }),
  retail_discount_90d: sum({ of: basket, field: 'retail_discount', window: '90d', description: 'Cents in 90 days' }),
  discount_share_90d: derived(
    div('retail_discount_90d', add('spend_90d', 'retail_discount_90d')),
    'Loyalty-card discount as a part of the undiscounted price',
  ),
  private_brand_90d: sum({ of: basket, field: 'private_brand_amount', window: '90d', description: 'Cents in 90 days' }),
  private_brand_share_90d: derived(div('private_brand_90d', 'spend_90d'), "Part of the spend on the retailer's brand"),
  departments_a_basket_90d: mean({
    of: basket,
    field: 'departments',
    window: '90d',
    description: 'Departments visited a basket',
  }),
  top_departments_90d: countDistinct({
    of: basket,
    field: 'top_department',
    window: '90d',
    cap: 16,
    description: 'Different departments that led a basket',
  }),
  stores_90d: countDistinct({ of: basket, field: 'store_id', window: '90d', cap: 16, description: 'Stores visited' }),
};

/** What the retailer did, and how the household answered. */
const marketing: Record<string, FeatureSpec> = {
  coupon_baskets_90d: count({
    of: basket,
    where: { coupon_discount: { gt: 0 } },
    window: '90d',
    description: 'Baskets paid in part by coupons in 90 days',
  }),
  mailings_90d: count({ of: campaignMailing, window: '90d', description: 'Campaigns received in 90 days' }),
  since_last_mailing: timeSinceLast({ of: campaignMailing, window: 'lifetime' }),
  redemptions_90d: count({ of: couponRedemption, window: '90d', description: 'Coupons redeemed in 90 days' }),
  since_last_redemption: timeSinceLast({ of: couponRedemption, window: 'lifetime' }),
};

/**
 * Read by people and the API; no input of the model. Its source has no date, and that a household was asked at all may be
 * decided by how it went on to buy: the model would learn from the future.
 */
const profile: Record<string, FeatureSpec> = {
  household_size: last({ of: demographics, field: 'household_size', window: 'lifetime' }),
};

export const churnView: ViewSpec = {
  entity: 'household',
  dedupe: { horizon: '3d', cap: 128 },
  features: { ...activity, ...rhythm, ...trend, ...habits, ...marketing, ...profile },
};

const HELPERS = [
  'since_last_basket_90d',
  'since_first_basket_90d',
  'retail_discount_90d',
  'private_brand_90d',
  ...Object.keys(profile),
];

/** What the model reads, in the order of the view. */
export const modelInputs: readonly string[] = Object.keys(churnView.features).filter((name) => !HELPERS.includes(name));
