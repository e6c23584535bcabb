/** One event of each source, as its provider sends it, all about one customer: what `npm run demo -- --sources` sends. */
import type { SourceSample } from 'tidemark';

const ORGANISATION = '00D5g000004abcDEAQ';

/** @param customer whom all are about. @param now ms UTC */
export default function samples(customer: string, now: number): SourceSample[] {
  const about = { customer, now, iso: new Date(now).toISOString() };
  return [...services(about), ...behaviour(about), ...logsAndDevices(about), ...databases(about), canonical(about)];
}

interface About {
  readonly customer: string;
  /** ms UTC, and the same as text. */
  readonly now: number;
  readonly iso: string;
}

/** Of software that others run. */
function services({ customer, now, iso }: About): SourceSample[] {
  const stripe = {
    id: 'evt_1Sample',
    object: 'event',
    api_version: '2026-10-28.endive',
    created: Math.floor(now / 1000),
    livemode: false,
    type: 'invoice.paid',
    data: { object: { id: 'in_1', object: 'invoice', customer, amount_paid: 1990, currency: 'EUR' } },
  };
  const message = {
    channel: '/data/CaseChangeEvent',
    payload: {
      ChangeEventHeader: {
        entityName: 'Case',
        recordIds: ['5005g00000Ab1cdAAB'],
        changeType: 'CREATE',
        changeOrigin: 'com/salesforce/api/rest/64.0',
        transactionKey: '000e7a1b-30ec-4c2b-9b6d-5a5b0f6f0001',
        sequenceNumber: 1,
        commitTimestamp: now,
        commitNumber: 1_700_000_000_000,
        commitUser: '0055g00000AbCdEAAV',
        nulledFields: [],
        diffFields: [],
        changedFields: [],
      },
      Customer__c: customer,
      Subject: 'Where is my parcel?',
    },
  };
  return [
    { source: 'billing', via: 'bus', feature: 'billing_28d', kind: 'invoice.paid', body: stripe },
    { source: 'billing', via: 'http', feature: 'billing_28d', kind: 'the same event again', body: stripe },
    { source: 'crm', via: 'bus', feature: 'crm_28d', kind: 'CaseChangeEvent', body: message },
    {
      source: 'crm_messages',
      via: 'http',
      feature: 'crm_messages_28d',
      kind: 'outbound message',
      body: soap(customer, iso),
    },
    {
      source: 'social',
      via: 'http',
      feature: 'social_28d',
      kind: 'post.create',
      body: {
        data: {
          event_type: 'post.create',
          event_uuid: '2f9a1c56-0000-4000-8000-000000000001',
          filter: { user_id: customer },
          payload: { id: '1990000000000000001', text: 'Nice shop', created_at: iso, author_id: customer },
        },
      },
    },
  ];
}

/** Of what customers do. */
function behaviour({ customer, iso }: About): SourceSample[] {
  return [
    {
      source: 'shop',
      via: 'http',
      feature: 'shop_28d',
      kind: 'order',
      body: { id: 'o-1', type: 'order', customer, at: iso, total: '49.90' },
    },
    {
      source: 'site',
      via: 'http',
      feature: 'site_28d',
      kind: 'track',
      body: {
        type: 'track',
        event: 'Product Viewed',
        messageId: 'm-1',
        userId: customer,
        originalTimestamp: iso,
        sentAt: iso,
        properties: { sku: 'tea' },
      },
    },
  ];
}

function logsAndDevices({ customer, now, iso }: About): SourceSample[] {
  const [day, time] = [iso.slice(0, 10), iso.slice(11, 19)];
  return [
    { source: 'app_logs', via: 'http', feature: 'app_logs_28d', kind: 'feature.used', body: otlp(customer, now) },
    {
      source: 'service_logs',
      via: 'logs',
      feature: 'service_logs_28d',
      kind: 'a line of a log',
      body: { customer, units: 3, message: 'exported a report' },
    },
    {
      source: 'access_logs',
      via: 'files',
      feature: 'access_logs_28d',
      kind: 'CloudFront log',
      body: `#Version: 1.0\n#Fields: date time x-edge-location cs-method cs-uri-stem sc-status cs-uri-query x-edge-request-id\n${day}\t${time}\tFRA2-C1\tGET\t/seen.gif\t200\t${customer}\tr-1\n`,
    },
    {
      source: 'devices',
      via: 'iot',
      feature: 'devices_28d',
      kind: 'a message of a device',
      body: { customer, n: 17, at: Math.floor(now / 1000), units: 5 },
    },
  ];
}

function databases({ customer, now, iso }: About): SourceSample[] {
  const row = { id: 1, customer, currency: 'eur', updated_at: iso };
  return [
    {
      source: 'orders_db',
      via: 'kinesis',
      feature: 'orders_db_28d',
      kind: 'insert (DMS)',
      body: {
        data: { id: 7, customer_id: customer, total: '12.00' },
        metadata: {
          timestamp: iso,
          'record-type': 'data',
          operation: 'insert',
          'partition-key-type': 'primary-key',
          'partition-key-value': 'public.orders.7',
          'schema-name': 'public',
          'table-name': 'orders',
          'transaction-id': 4711,
          'commit-timestamp': iso,
          'stream-position': '0000000a/1',
          'transaction-record-id': 1,
        },
      },
    },
    {
      source: 'marketplace',
      via: 'kafka',
      feature: 'marketplace_28d',
      kind: 'create (Debezium)',
      body: {
        before: null,
        after: { id: 3, customer_id: customer, total: '7.50' },
        source: {
          connector: 'postgresql',
          name: 'market',
          db: 'market',
          schema: 'public',
          table: 'orders',
          ts_ms: now,
          txId: 9,
          lsn: 24_023_128,
        },
        op: 'c',
        ts_ms: now,
      },
      key: { id: 3 },
    },
    {
      source: 'profiles',
      via: 'dynamodb',
      feature: 'profiles_28d',
      kind: 'INSERT',
      body: { customer, changed: 'newsletter' },
    },
    {
      source: 'subscriptions',
      via: 'table',
      feature: 'subscriptions_28d',
      kind: 'a new row',
      body: { ...row, price: '9.99' },
    },
    { source: 'invoices', via: 'jdbc', feature: 'invoices_28d', kind: 'a new row', body: { ...row, amount: '120.00' } },
  ];
}

/** Of a producer of our own: as it is. */
function canonical({ customer, iso }: About): SourceSample {
  return {
    source: 'own_producer',
    via: 'stream',
    feature: 'own_producer_28d',
    kind: 'canonical',
    body: {
      event_id: 'own-1',
      entity_id: customer,
      event_type: 'usage',
      event_time: iso,
      source: 'own_producer',
      schema_version: 1,
      properties: { channel: 'own_producer', units: 2 },
    },
  };
}

const soap = (customer: string, iso: string) => `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>${ORGANISATION}</OrganizationId>
   <ActionId>04k5g000000TNWdAAO</ActionId>
   <SessionId xsi:nil="true"/>
   <EnterpriseUrl>https://example.my.salesforce.com/services/Soap/c/64.0/00D5g000004abcD</EnterpriseUrl>
   <PartnerUrl>https://example.my.salesforce.com/services/Soap/u/64.0/00D5g000004abcD</PartnerUrl>
   <Notification>
    <Id>04l5g000001AbCdAAK</Id>
    <sObject xsi:type="sf:Contact" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
     <sf:Id>0035g00000XyZabAAF</sf:Id>
     <sf:Customer__c>${customer}</sf:Customer__c>
     <sf:SystemModstamp>${iso}</sf:SystemModstamp>
    </sObject>
   </Notification>
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>`;

const otlp = (customer: string, now: number) => ({
  resourceLogs: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'app' } }] },
      scopeLogs: [
        {
          scope: { name: 'app' },
          logRecords: [
            {
              timeUnixNano: `${now}000000`,
              severityText: 'INFO',
              eventName: 'feature.used',
              body: { stringValue: 'exported' },
              attributes: [
                { key: 'user.id', value: { stringValue: customer } },
                { key: 'units', value: { intValue: '4' } },
                { key: 'log.record.uid', value: { stringValue: 'l-1' } },
              ],
            },
          ],
        },
      ],
    },
  ],
});
