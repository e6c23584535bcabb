import { contract, field } from 'tidemark';

/** By which source something came, so that a feature can ask for one of them. */
const channel = <const Names extends readonly string[]>(names: Names) => field.enum(names);

export const payment = contract('payment', 1, {
  fields: {
    channel: channel(['billing', 'invoices', 'subscriptions']),
    amount: field.decimal(2, { min: 0, max: 1_000_000 }),
    currency: field.string({ case: 'lower', maxLength: 3 }),
  },
});

export const order = contract('order', 1, {
  fields: {
    channel: channel(['shop', 'orders_db', 'marketplace']),
    total: field.decimal(2, { min: 0, max: 1_000_000 }),
  },
});

export const contact = contract('contact', 1, {
  fields: {
    channel: channel(['crm', 'crm_messages', 'social', 'site', 'profiles']),
    what: field.string({ maxLength: 64 }),
  },
});

export const usage = contract('usage', 1, {
  fields: {
    channel: channel(['app_logs', 'service_logs', 'access_logs', 'devices', 'own_producer']),
    units: field.int({ min: 0, max: 1_000_000 }),
  },
});
