/** What the providers of test/fixtures/usecases/doors send: signed, and right in all else. */
import { createHmac } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import Stripe from 'stripe';

export const KEYS = ['the-current-key', 'the-former-key'];
export const NOW = Date.parse('2026-11-27T12:00:00Z');
const ISO = '2026-11-27T11:59:00Z';

/** A request as its sender makes it. */
export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** The last part of the path. */
  readonly key?: string;
  readonly body?: string | Uint8Array;
}

const mac = (hash: string, key: string, ...parts: (string | Uint8Array)[]) => {
  const made = createHmac(hash, key);
  for (const part of parts) made.update(part);
  return made.digest();
};
const JSON_TYPE = { 'content-type': 'application/json' };

/** By source: signs any body as its provider does. @param now_ms ms UTC */
export const SIGN: Readonly<Record<string, (body: string | Uint8Array, key?: string, now_ms?: number) => Sent>> = {
  billing: (body, key = KEYS[0]!, now_ms = NOW) => {
    const timestamp = Math.floor(now_ms / 1000);
    const payload = Buffer.from(body).toString('utf8');
    const header = Stripe.webhooks.generateTestHeaderString({ payload, secret: key, timestamp });
    // The library signs text; bytes that are none are signed by hand.
    const hex = mac('sha256', key, `${timestamp}.`, body).toString('hex');
    const signature = typeof body === 'string' ? header : `t=${timestamp},v1=${hex}`;
    return { headers: { ...JSON_TYPE, 'Stripe-Signature': signature }, body };
  },
  crm: (body, key = KEYS[0]!) => ({ headers: { 'content-type': 'text/xml; charset=utf-8' }, key, body }),
  x: (body, key = KEYS[0]!) => ({
    headers: { ...JSON_TYPE, 'x-twitter-webhooks-signature': `sha256=${mac('sha256', key, body).toString('base64')}` },
    body,
  }),
  x_old: (body, key) => SIGN.x!(body, key),
  web: (body, key = KEYS[0]!) => ({
    headers: { 'content-type': 'text/plain;charset=UTF-8', origin: 'https://shop.example' },
    query: { key },
    body,
  }),
  warehouse: (body, key = KEYS[0]!) => ({
    headers: { ...JSON_TYPE, 'X-Signature': mac('sha1', key, body).toString('hex') },
    body,
  }),
  logs: (body, key = KEYS[0]!) => ({ headers: { ...JSON_TYPE, Authorization: `Bearer ${key}` }, body }),
  orders: (body, key = KEYS[0]!, now_ms = NOW) => {
    const time = String(Math.floor(now_ms / 1000));
    return {
      headers: {
        ...JSON_TYPE,
        'X-Timestamp': time,
        'X-Signature': mac('sha256', key, `${time}.`, body).toString('hex'),
      },
      body,
    };
  },
};

const NOTIFICATION = (id: string) =>
  `<Notification><Id>${id}</Id><sObject xsi:type="sf:Contact" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>003${id}</sf:Id><sf:Customer__c>ann</sf:Customer__c><sf:SystemModstamp>2026-11-27T11:59:00.000Z</sf:SystemModstamp></sObject></Notification>`;

const message = (n: number) => ({
  type: 'track',
  event: 'Order Completed',
  messageId: `m${n}`,
  userId: 'ann',
  originalTimestamp: ISO,
  sentAt: ISO,
  properties: { total: 5 },
});

/** By source: a good body, and how many events are in it. */
export const GOOD: Readonly<Record<string, { readonly body: string; readonly events: number }>> = {
  billing: {
    body: JSON.stringify({
      id: 'evt_1',
      object: 'event',
      type: 'invoice.paid',
      created: 1_795_780_740,
      data: { object: { customer: 'ann', amount_paid: 1999, currency: 'eur' } },
    }),
    events: 1,
  },
  crm: {
    body: `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>00D5g000004abcDEAQ</OrganizationId><ActionId>04k5g0000008abcAAA</ActionId><SessionId xsi:nil="true"/><EnterpriseUrl>https://x.example/c</EnterpriseUrl><PartnerUrl>https://x.example/u</PartnerUrl>${NOTIFICATION('1')}${NOTIFICATION('2')}</notifications></soapenv:Body></soapenv:Envelope>`,
    events: 2,
  },
  x: {
    body: JSON.stringify({
      data: {
        event_uuid: '-42',
        filter: { user_id: 'ann' },
        event_type: 'post.create',
        payload: { id: '1', created_at: ISO },
      },
    }),
    events: 1,
  },
  x_old: {
    body: JSON.stringify({
      for_user_id: 'ann',
      favorite_events: [
        { id: 'a', timestamp_ms: NOW },
        { id: 'b', timestamp_ms: NOW },
      ],
    }),
    events: 2,
  },
  web: { body: JSON.stringify({ batch: [message(1), message(2), message(3)] }), events: 3 },
  warehouse: { body: JSON.stringify(message(1)), events: 1 },
  logs: {
    body: JSON.stringify({
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
          scopeLogs: [
            {
              scope: { name: 'orders' },
              logRecords: ['1', '2'].map((n) => ({
                timeUnixNano: `179578074000000000${n}`,
                eventName: 'order.placed',
                attributes: [
                  { key: 'user.id', value: { stringValue: 'ann' } },
                  { key: 'total', value: { intValue: '5' } },
                ],
              })),
            },
          ],
        },
      ],
    }),
    events: 2,
  },
  orders: { body: JSON.stringify({ id: 7, type: 'order', customer: 'ann', at: ISO, amount: '5.00' }), events: 1 },
};

/** A packed body, as it comes through an HTTP API undamaged. */
export function packed(source: string, body: Uint8Array, key?: string): Sent {
  const sent = SIGN[source]!(body, key);
  return {
    ...sent,
    headers: { ...sent.headers, 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' },
  };
}

/** As an HTTP API hands it to its function (payload 2.0): what is no text by its type comes in base64. */
export function eventOf(source: string, sent: Sent): APIGatewayProxyEventV2 {
  const { method = 'POST', headers = {}, query, key, body = '' } = sent;
  const path = `/v1/in/${source}${key === undefined ? '' : '/{key}'}`;
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  const isText = /^(text\/.*|application\/(json|xml|javascript))$/.test(type.split(';')[0]!.trim().toLowerCase());
  return {
    version: '2.0',
    routeKey: `${method} ${path}`,
    rawPath: path.replace('{key}', key ?? ''),
    rawQueryString: '',
    // An HTTP API writes all names in lower case.
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    ...(query && { queryStringParameters: { ...query } }),
    ...(key !== undefined && { pathParameters: { key } }),
    requestContext: { http: { method, path } } as APIGatewayProxyEventV2['requestContext'],
    // Bytes that are no text are damaged on the way as text.
    body: Buffer.from(body).toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: !isText,
  };
}
