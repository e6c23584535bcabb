import { at, field, firstOf, rule, source } from 'tidemark';
import { contact, order, payment, usage } from './events.ts';

const epochMs = { from: '/time_ms', format: 'epoch_ms' } as const;
/** Change events of databases: when it was committed, else what the row says. */
const changed = { from: ['/time_ms', '/after/updated_at'], format: 'epoch_ms' } as const;

/** One of each kind that there is. Addresses that differ by stage stand in the stage's configuration. */
export const sources = [
  source('billing', {
    envelope: 'stripe',
    // The same event by both ways is one: its id is Stripe's.
    via: [{ kind: 'bus' }, { kind: 'http', verify: { scheme: 'stripe' } }],
    map: [
      rule({
        when: at('/type').eq('invoice.paid'),
        event: payment,
        entity: firstOf([at('/data/object/customer/id'), at('/data/object/customer')]),
        time: { from: '/created', format: 'epoch_s' },
        properties: {
          channel: 'billing',
          amount: at('/data/object/amount_paid', { shift: 2 }),
          currency: at('/data/object/currency'),
        },
      }),
    ],
    erase: [{ when: at('/type').eq('customer.deleted'), entity: at('/data/object/id') }],
  }),
  source('crm', {
    envelope: 'salesforce_cdc',
    via: [{ kind: 'bus' }],
    map: [
      rule({
        when: at('/ChangeEventHeader/entityName').eq('Case'),
        event: contact,
        entity: at('/Customer__c'),
        time: { from: '/ChangeEventHeader/commitTimestamp', format: 'epoch_ms' },
        properties: { channel: 'crm', what: at('/ChangeEventHeader/changeType') },
      }),
    ],
  }),
  source('crm_messages', {
    envelope: 'salesforce_outbound',
    options: { organisation: '00D5g000004abcDEAQ' },
    via: [{ kind: 'http', verify: { scheme: 'path' } }],
    map: [
      rule({
        when: at('/attributes/type').eq('Contact'),
        event: contact,
        entity: at('/Customer__c'),
        time: { from: '/SystemModstamp', format: 'iso8601' },
        properties: { channel: 'crm_messages', what: 'contact' },
      }),
    ],
  }),
  source('social', {
    envelope: 'x_activity',
    via: [{ kind: 'http', verify: { scheme: 'x' } }],
    map: [
      rule({
        event: contact,
        entity: at('/filter/user_id'),
        time: epochMs,
        properties: { channel: 'social', what: at('/event_type') },
      }),
    ],
  }),
  source('shop', {
    envelope: 'json',
    options: { id: '/id', kind: '/type' },
    via: [{ kind: 'http', verify: { scheme: 'hmac' } }],
    map: [
      rule({
        when: at('/type').eq('order'),
        event: order,
        entity: at('/customer'),
        time: { from: '/at', format: 'iso8601' },
        properties: { channel: 'shop', total: at('/total') },
      }),
    ],
  }),
  source('site', {
    envelope: 'segment',
    via: [{ kind: 'http', verify: { scheme: 'key' }, origins: ['https://shop.example'] }],
    map: [
      rule({
        when: at('/type').in(['track', 'page']),
        event: contact,
        entity: at('/user_id'),
        time: epochMs,
        properties: { channel: 'site', what: firstOf([at('/event'), at('/type')]) },
      }),
    ],
  }),
  source('app_logs', {
    envelope: 'otlp_logs',
    via: [{ kind: 'http', verify: { scheme: 'key' } }],
    map: [
      rule({
        when: at('/event_name').exists(),
        event: usage,
        entity: at('/attributes/user.id'),
        time: epochMs,
        properties: { channel: 'app_logs', units: firstOf([at('/attributes/units'), 1]) },
      }),
    ],
  }),
  source('service_logs', {
    envelope: 'cloudwatch_logs',
    via: [{ kind: 'logs' }],
    map: [
      rule({
        when: at('/message/customer').exists(),
        event: usage,
        entity: at('/message/customer'),
        time: { from: '/timestamp', format: 'epoch_ms' },
        properties: { channel: 'service_logs', units: at('/message/units') },
      }),
    ],
  }),
  source('access_logs', {
    envelope: 'rows',
    via: [{ kind: 'files', format: 'cloudfront' }],
    map: [
      rule({
        // A pixel that pages ask for with their customer's id: /seen.gif?c-1001
        when: [at('/cs-uri-stem').eq('/seen.gif'), at('/cs-uri-query').exists()],
        event: usage,
        entity: at('/cs-uri-query'),
        id: at('/x-edge-request-id'),
        time: { from: '/timestamp', format: 'iso8601' },
        properties: { channel: 'access_logs', units: 1 },
      }),
    ],
  }),
  source('devices', {
    envelope: 'iot',
    via: [{ kind: 'iot' }],
    map: [
      rule({
        event: usage,
        entity: at('/payload/customer'),
        // A device repeats itself; its own count tells what is the same.
        id: [at('/topic'), at('/payload/n')],
        time: { from: '/payload/at', format: 'epoch_s' },
        properties: { channel: 'devices', units: at('/payload/units') },
      }),
    ],
  }),
  source('orders_db', {
    envelope: 'dms',
    via: [{ kind: 'kinesis' }],
    map: [
      rule({
        when: [at('/table').eq('orders'), at('/op').in(['c', 'r'])],
        event: order,
        entity: at('/after/customer_id'),
        time: changed,
        properties: { channel: 'orders_db', total: at('/after/total') },
      }),
    ],
  }),
  source('marketplace', {
    envelope: 'kafka',
    options: { inner: 'debezium' },
    via: [{ kind: 'kafka' }],
    map: [
      rule({
        when: [at('/table').eq('orders'), at('/op').in(['c', 'r'])],
        event: order,
        entity: at('/after/customer_id'),
        time: changed,
        properties: { channel: 'marketplace', total: at('/after/total') },
      }),
    ],
  }),
  source('profiles', {
    envelope: 'dynamodb',
    via: [{ kind: 'dynamodb' }],
    map: [
      rule({
        when: at('/op').in(['c', 'u']),
        event: contact,
        entity: at('/after/customer'),
        time: epochMs,
        properties: { channel: 'profiles', what: at('/after/changed') },
      }),
    ],
  }),
  source('subscriptions', {
    envelope: 'rows',
    via: [{ kind: 'table', key: ['id'], version: 'updated_at' }],
    map: [
      rule({
        event: payment,
        entity: at('/after/customer'),
        time: { from: '/after/updated_at', format: 'iso8601', timeZone: 'UTC' },
        properties: {
          channel: 'subscriptions',
          amount: at('/after/price', { as: field.decimal(2) }),
          currency: at('/after/currency'),
        },
      }),
    ],
  }),
  source('invoices', {
    envelope: 'rows',
    // Its transactions are short, and its clock is one.
    via: [{ kind: 'jdbc', key: ['id'], version: 'updated_at', overlapSeconds: 1 }],
    map: [
      rule({
        event: payment,
        entity: at('/after/customer'),
        time: { from: '/after/updated_at', format: 'iso8601', timeZone: 'UTC' },
        properties: { channel: 'invoices', amount: at('/after/amount'), currency: at('/after/currency') },
      }),
    ],
  }),
];
