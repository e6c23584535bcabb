/** What Stripe and Salesforce send by HTTP, and what is refused of it. */
import { describe, expect, test } from '@jest/globals';
import { salesforceOutbound } from '../../../core/intake/envelopes/salesforce-outbound.ts';
import { stripe } from '../../../core/intake/envelopes/stripe.ts';
import { itemsOf, reasons, unpack } from './unpacking.ts';

describe('stripe', () => {
  const event = {
    id: 'evt_1',
    object: 'event',
    type: 'invoice.paid',
    created: 1_795_000_000,
    data: { object: { id: 'in_1', object: 'invoice', customer: 'cus_1', amount_paid: 1999 } },
  };

  test('a snapshot is one item, by its own id', () => {
    expect(unpack(stripe, event)).toEqual({
      items: [{ body: event, id: 'evt_1', kind: 'invoice.paid' }],
      refused: [],
      gaps: [],
    });
  });

  test('a thin event is refused and says what to set', () => {
    const { items, refused } = unpack(stripe, { id: 'evt_1', object: 'v2.core.event', type: 'v1.invoice.paid' });
    expect(items).toEqual([]);
    expect(refused[0]).toMatchObject({
      reason: 'INVALID_ENVELOPE',
      detail: expect.stringContaining('event_payload: snapshot'),
    });
  });

  test.each<[string, unknown, string]>([
    ['another object', { ...event, object: 'invoice' }, 'INVALID_ENVELOPE'],
    ['no id', { ...event, id: undefined }, 'INVALID_ENVELOPE'],
    ['a number for an id', { ...event, id: 1 }, 'INVALID_ENVELOPE'],
    ['no type', { ...event, type: '' }, 'INVALID_ENVELOPE'],
    ['no data', { ...event, data: null }, 'INVALID_ENVELOPE'],
    ['no object in the data', { ...event, data: { object: 'in_1' } }, 'INVALID_ENVELOPE'],
    ['an array', [event], 'NOT_AN_OBJECT'],
    ['no JSON', '{"id":', 'MALFORMED_JSON'],
    ['nothing', '', 'MALFORMED_JSON'],
    ['a key that names a prototype', '{"object":"event","__proto__":1}', 'FORBIDDEN_KEY'],
    ['too deep', `${'['.repeat(70)}${']'.repeat(70)}`, 'TOO_DEEP'],
  ])('%s is refused', (_, body, reason) => {
    const unpacked = unpack(stripe, body);
    expect([unpacked.items, reasons(unpacked)]).toEqual([[], [reason]]);
  });

  test('bytes that are no text are refused, and kept', () => {
    const raw = Uint8Array.of(0xff, 0xfe);
    const { refused } = stripe.unpack(raw, { received_ms: 0, carriage: 'http' }, {});
    expect(refused).toEqual([{ reason: 'INVALID_UTF8', detail: expect.any(String), raw }]);
  });
});

describe('salesforce_outbound', () => {
  const ORGANIZATION = '00D5g000004abcD';
  const options = { organisation: ORGANIZATION };
  const notification = (id: string, fields: string) =>
    `<Notification><Id>${id}</Id><sObject xsi:type="sf:Contact" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">${fields}</sObject></Notification>`;
  const message = (...notifications: string[]) => `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>${ORGANIZATION}EAQ</OrganizationId>
   <ActionId>04k5g0000008abcAAA</ActionId>
   <SessionId xsi:nil="true"/>
   <EnterpriseUrl>https://x.example/c</EnterpriseUrl>
   <PartnerUrl>https://x.example/u</PartnerUrl>
   ${notifications.join('\n')}
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>`;
  const one = message(notification('04l1', '<sf:Id>0031</sf:Id><sf:Email>a@x</sf:Email>'));
  const take = (xml: string) => unpack(salesforceOutbound, xml, options);

  test('an item each notification, its fields as texts', () => {
    const fields =
      '<sf:Id>0031</sf:Id><sf:Name>A &amp; B &#x1F600; &amp;lt;</sf:Name><sf:Number>007.50</sf:Number><sf:Gone xsi:nil="true"/><sf:Empty/><sf:Raw><![CDATA[<b>&amp;]]></sf:Raw><sf:Many>1</sf:Many><sf:Many>2</sf:Many>';
    const unpacked = take(message(notification('04l1', fields), notification('04l2', '<sf:Id>0032</sf:Id>')));
    const attributes = { type: 'Contact' };
    expect(itemsOf(unpacked)).toEqual([
      {
        id: '04l1',
        kind: 'Contact',
        body: {
          Id: '0031',
          Name: 'A & B 😀 &lt;',
          Number: '007.50',
          Gone: null,
          Empty: '',
          Raw: '<b>&amp;',
          Many: ['1', '2'],
          attributes,
        },
      },
      { id: '04l2', kind: 'Contact', body: { Id: '0032', attributes } },
    ]);
  });

  test('a hundred notifications, and no more', () => {
    const many = (n: number) =>
      take(message(...Array.from({ length: n }, (_, i) => notification(`04l${i}`, '<sf:Id>1</sf:Id>'))));
    expect(many(100).items.length).toBe(100);
    expect(reasons(many(101))).toEqual(['INVALID_ENVELOPE']);
    expect(reasons(many(0))).toEqual(['INVALID_ENVELOPE']);
  });

  test('the organisation is compared without its checksum', () => {
    expect(unpack(salesforceOutbound, one, { organisation: `${ORGANIZATION}EAQ` }).items.length).toBe(1);
    expect(unpack(salesforceOutbound, one, { organisation: '00D5g000004abcE' }).items).toEqual([]);
  });

  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>`;
  test.each<[string, string, RegExp]>([
    ['a document type', one.replace('<soapenv:Envelope', '<!DOCTYPE x><soapenv:Envelope'), /DOCTYPE/],
    [
      'entities in entities',
      one.replace('<soapenv:Envelope', `${bomb}<soapenv:Envelope`).replace('a@x', '&b;'),
      /DOCTYPE/,
    ],
    [
      'a file of ours',
      one.replace('<soapenv:Envelope', '<!doctype x [<!ENTITY f SYSTEM "file:///etc/passwd">]><soapenv:Envelope'),
      /DOCTYPE/,
    ],
    ['an entity of nobody', one.replace('a@x', '&f;'), /entity/],
    ['a character that is none', one.replace('a@x', '&#xD800;'), /entity/],
    ['a bare ampersand', one.replace('a@x', 'a&b'), /no XML/],
    ['another organisation', one.replace(ORGANIZATION, '00D000000000000'), /OrganizationId/],
    ['no organisation', one.replace(/<OrganizationId>.*<.OrganizationId>/, ''), /OrganizationId/],
    ['two organisations', one.replace(/<OrganizationId>.*<.OrganizationId>/, '$&$&'), /OrganizationId/],
    [
      'a key to the organisation',
      one.replace('<SessionId xsi:nil="true"/>', '<SessionId>00D!x</SessionId>'),
      /SessionId/,
    ],
    ['a notification without an id', one.replace('<Id>04l1</Id>', ''), /Notification.Id/],
    ['no record', one.replace(/<sObject.*<.sObject>/, ''), /sObject/],
    ['two records', one.replace(/<sObject.*<.sObject>/, '$&$&'), /sObject/],
    ['an element that is not closed', one.replace('</sf:Email>', ''), /no XML/],
    ['the start of a message', one.slice(0, 700), /no XML/],
    ['elements in elements', '<a>'.repeat(5000) + '</a>'.repeat(5000), /no XML/],
    ['a name that is a prototype', one.replaceAll('sf:Email', 'sf:__proto__'), /no XML/],
    ['another encoding', one.replace('UTF-8', 'ISO-8859-1'), /encoding/],
    ['JSON', '{}', /no XML|Envelope/],
    ['nothing', '', /no XML|Envelope/],
  ])('%s is refused', (_, xml, detail) => {
    const { items, refused } = take(xml);
    expect(items).toEqual([]);
    expect(refused).toEqual([
      { reason: 'INVALID_ENVELOPE', detail: expect.stringMatching(detail), raw: Buffer.from(xml) },
    ]);
  });
});
