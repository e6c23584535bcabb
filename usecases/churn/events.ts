/**
 * The facts churn is about: what a household buys, redeems and is sent. Money arrives as decimal text of dollars and is
 * cents from here on. The real events come from load_events.py (see demo.ts).
 */
import { contract, field } from 'tidemark';

/** One basket at the till. 1,000,000.00 is far above any real one; the bound keeps sums exact. */
const money = (required = true) => field.decimal(2, { min: 0, max: 100_000_000, ...(required ? {} : { default: 0 }) });

export const basket = contract('basket', 1, {
  fields: {
    store_id: field.string({ maxLength: 32 }),
    amount: money(),
    retail_discount: money(false),
    coupon_discount: money(false),
    coupon_match_discount: money(false),
    /** Different products. */
    items: field.int({ min: 0, max: 10_000 }),
    /** Part of `amount` spent on the retailer's own brand. */
    private_brand_amount: money(false),
    /** The department with the highest sales of the basket. */
    top_department: field.string({ required: false, case: 'upper', maxLength: 64 }),
    departments: field.int({ min: 0, max: 1000, required: false }),
  },
});

/** A coupon handed in; the source knows the day only. */
export const couponRedemption = contract('coupon_redemption', 1, {
  fields: {
    campaign_id: field.string({ maxLength: 32 }),
    coupon_upc: field.string({ maxLength: 32 }),
  },
});

/** A campaign sent to a household, at its start. */
export const campaignMailing = contract('campaign_mailing', 1, {
  fields: {
    campaign_id: field.string({ maxLength: 32 }),
    campaign_type: field.enum(['Type A', 'Type B', 'Type C']),
  },
});

/** What a household said about itself. Such attributes are events too, so that they have a history. */
export const demographics = contract('demographics', 1, {
  fields: {
    age: field.enum(['19-24', '25-34', '35-44', '45-54', '55-64', '65+'], { required: false }),
    income: field.string({ required: false, maxLength: 32 }),
    home_ownership: field.string({ required: false, maxLength: 32 }),
    marital_status: field.string({ required: false, maxLength: 32 }),
    household_size: field.enum(['1', '2', '3', '4', '5+'], { required: false }),
    household_comp: field.string({ required: false, maxLength: 32 }),
    kids_count: field.enum(['0', '1', '2', '3+'], { required: false }),
  },
});
