/** The front door: what its senders are told, and that nothing is said to be taken that isn't. */

import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { Door, SOURCES } from './door.ts';
import { GOOD, KEYS, NOW, packed, type Sent, SIGN } from './providers.ts';

const good = (source: string, key?: string, now_ms?: number): Sent => SIGN[source]!(GOOD[source]!.body, key, now_ms);
const said = (body: string | undefined): unknown => JSON.parse(body ?? 'null');

describe.each(SOURCES)('%s', (source) => {
  test('a good request is taken, by each key of a rotation', async () => {
    for (const key of KEYS) {
      const door = new Door(source);
      const { statusCode } = await door.send(good(source, key));
      expect([statusCode, door.events.length, door.quarantined, door.errors]).toEqual([
        200,
        GOOD[source]!.events,
        [],
        [],
      ]);
      expect(new Set(door.events.map(({ source: from }) => from))).toEqual(new Set([source]));
    }
  });

  test('the same again is the same events', async () => {
    const door = new Door(source);
    for (const _ of [1, 2]) await door.send(good(source));
    const ids = door.events.map(({ event_id }) => event_id);
    expect(new Set(ids).size).toBe(GOOD[source]!.events);
  });

  test('packed, but not under a type that is handed on as text', async () => {
    const door = new Door(source);
    const sent = packed(source, gzipSync(GOOD[source]!.body));
    expect([(await door.send(sent)).statusCode, door.events.length]).toEqual([200, GOOD[source]!.events]);
    const type = source === 'crm' ? 'text/xml' : 'application/json';
    const { statusCode, body } = await door.send({ ...sent, headers: { ...sent.headers, 'content-type': type } });
    expect([[401, 415].includes(statusCode), door.events.length]).toEqual([true, GOOD[source]!.events]);
    if (statusCode === 415) expect(body).toContain('switch compression off');
  });

  test.each<[string, (sent: Sent) => Sent, number]>([
    ['without its proof', ({ body }) => ({ body: body! }), 401],
    ['by the key of another', () => good(source, 'another-key'), 401],
    [
      'of a type that is none of its own',
      (sent) => ({ ...sent, headers: { ...sent.headers, 'content-type': 'application/x-www-form-urlencoded' } }),
      415,
    ],
    [
      'in another character set',
      (sent) => ({
        ...sent,
        headers: {
          ...sent.headers,
          'content-type': `${source === 'crm' ? 'text/xml' : 'application/json'}; charset=latin1`,
        },
      }),
      415,
    ],
    ['in another packing', (sent) => ({ ...sent, headers: { ...sent.headers, 'content-encoding': 'br' } }), 415],
    ['not packed as it says', () => packed(source, Buffer.from(GOOD[source]!.body)), 400],
    ['that is larger than a request may be', () => SIGN[source]!(' '.repeat(1024 * 1024 + 1)), 413],
    ['that unpacks to more than it may', () => packed(source, gzipSync(Buffer.alloc(6 * 1024 * 1024))), 413],
    [
      'that is nothing of its provider',
      () => SIGN[source]!('{"odd":1}'),
      source === 'logs' || source === 'orders' ? 200 : 400,
    ],
    ['that is nothing', () => SIGN[source]!(''), 400],
  ])('a request %s', async (_, change, status) => {
    const door = new Door(source);
    const { statusCode, body } = await door.send(change(good(source)));
    expect([statusCode, door.events]).toEqual([status, []]);
    if (status >= 400) {
      expect(said(body)).toEqual({ message: expect.stringMatching(/found .*; allowed|found .*; .*(put|sign)/) });
      expect(door.quarantined).toEqual([]);
    }
  });

  test('bytes that are no text are never taken: under a type of text they do not even come through as they were signed', async () => {
    const door = new Door(source);
    const sent = SIGN[source]!(Uint8Array.of(0xff, 0xfe, 0x00));
    expect([400, 401]).toContain((await door.send(sent)).statusCode);
    expect((await door.send(packed(source, gzipSync(Uint8Array.of(0xff, 0xfe, 0x00))))).statusCode).toBe(400);
    expect(door.put).toEqual([]);
  });

  test('what the stream does not take is not answered with 2xx', async () => {
    const door = new Door(source);
    door.refusing = 'stream';
    const { statusCode, headers } = await door.send(good(source));
    expect([statusCode, headers?.['retry-after'], door.events]).toEqual([503, '5', []]);
    door.refusing = null;
    expect((await door.send(good(source))).statusCode).toBe(200);
  });

  test('without keys it promises nothing, and a sender tries again', async () => {
    for (const secret of ['', '{}', '{"keys":[]}', '{"keys":[""]}', 'not-json-but-secret', new Error('throttled')]) {
      const door = new Door(source);
      door.secret = secret;
      expect((await door.send(good(source))).statusCode).toBe(503);
      expect(String(door.errors[0])).not.toContain('not-json-but-secret');
    }
  });
});

describe('what its map can not use', () => {
  test('is kept in the quarantine, and answered with 2xx', async () => {
    const door = new Door('orders');
    const { statusCode, body } = await door.send(SIGN.orders!('{"id":1,"type":"order","at":"soon"}'));
    expect([statusCode, said(body)]).toEqual([200, { events: 0, refused: 1 }]);
    expect(door.quarantined.map(({ reason, kind }) => [reason, kind])).toEqual([['MISSING_ENTITY', 'order']]);
  });

  test('and can not be kept either, is not answered with 2xx', async () => {
    const door = new Door('orders');
    door.refusing = 'quarantine';
    const { statusCode } = await door.send(SIGN.orders!('{"id":1,"type":"order","at":"soon"}'));
    expect([statusCode, door.errors.length]).toEqual([503, 1]);
  });

  test('of a batch is kept, and the rest is taken', async () => {
    const door = new Door('web');
    const batch = JSON.parse(GOOD.web!.body) as { batch: object[] };
    batch.batch.push({ type: 'noise' }, { type: 'track', userId: 'ann' });
    const { statusCode, body } = await door.send(SIGN.web!(JSON.stringify(batch)));
    expect([statusCode, said(body)]).toEqual([200, { events: 3, refused: 2 }]);
    expect(door.quarantined.map(({ reason }) => reason)).toEqual(['INVALID_ENVELOPE', 'MISSING_FIELD']);
  });

  test('of logs is a partial success, whose records no client sends again', async () => {
    const door = new Door('logs');
    const bare = GOOD.logs!.body.replace('user.id', 'nobody');
    const answered = await door.send(SIGN.logs!(bare));
    expect(said(answered.body)).toEqual({
      partialSuccess: { rejectedLogRecords: '1', errorMessage: expect.stringContaining('quarantine') },
    });
    expect(said((await door.send(good('logs'))).body)).toEqual({});
  });
});

describe("providers' own ways", () => {
  test('Salesforce reads an Ack', async () => {
    const { headers, body } = await new Door('crm').send(good('crm'));
    expect([headers?.['content-type'], body]).toEqual([
      'text/xml; charset=utf-8',
      expect.stringContaining('<Ack>true</Ack>'),
    ]);
  });

  test('X is answered its challenge by the newest key', async () => {
    const door = new Door('x');
    const answered = await door.send({ method: 'GET', query: { crc_token: 'challenge' } });
    const mac = createHmac('sha256', KEYS[0]!).update('challenge').digest('base64');
    expect([answered.statusCode, said(answered.body)]).toEqual([200, { response_token: `sha256=${mac}` }]);
    expect((await door.send({ method: 'GET' })).statusCode).toBe(400);
    expect((await new Door('orders').send({ method: 'GET', query: { crc_token: 'x' } })).statusCode).toBe(405);
  });

  test('OpenTelemetry in protobuf is told how to send JSON', async () => {
    const { statusCode, body } = await new Door('logs').send({
      ...good('logs'),
      headers: { 'content-type': 'application/x-protobuf' },
    });
    expect([statusCode, body]).toEqual([415, expect.stringContaining('http/json')]);
  });

  test('a signed request of ten minutes ago is a replay', async () => {
    for (const source of ['billing', 'orders']) {
      const door = new Door(source);
      expect((await door.send(good(source, KEYS[0], NOW - 600_000))).statusCode).toBe(401);
      expect((await door.send(good(source, KEYS[0], NOW + 600_000))).statusCode).toBe(401);
    }
  });

  test('a write key in the body, and in Authorization', async () => {
    const door = new Door('web');
    const body = JSON.stringify({ ...(JSON.parse(GOOD.web!.body) as object), writeKey: KEYS[1] });
    const authorization = `Basic ${Buffer.from(`${KEYS[0]}:`).toString('base64')}`;
    expect((await door.send({ body })).statusCode).toBe(200);
    expect((await door.send({ body: GOOD.web!.body, headers: { authorization } })).statusCode).toBe(200);
    expect(door.events.length).toBe(6);
  });

  test('whom Stripe says to forget', async () => {
    const door = new Door('billing');
    const deleted = { id: 'evt_2', object: 'event', type: 'customer.deleted', data: { object: { id: 'cus_1' } } };
    expect((await door.send(SIGN.billing!(JSON.stringify(deleted)))).statusCode).toBe(200);
    expect([door.events, door.erased]).toEqual([[], ['cus_1']]);
  });
});

describe('pages of a browser', () => {
  const origin = 'https://shop.example';
  const from = (page: string, sent: Sent): Sent => ({ ...sent, headers: { ...sent.headers, origin: page } });

  test('ask before they send JSON', async () => {
    const { statusCode, headers } = await new Door('web').send(from(origin, { method: 'OPTIONS' }));
    expect([statusCode, headers]).toEqual([
      204,
      {
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization, content-type',
        'access-control-max-age': '7200',
        vary: 'origin',
      },
    ]);
  });

  test('may read the answer, and of an error too', async () => {
    const door = new Door('web');
    for (const sent of [good('web'), { ...good('web'), query: { key: 'wrong' } }])
      expect((await door.send(from(origin, sent))).headers).toMatchObject({ 'access-control-allow-origin': origin });
  });

  test('of another origin are refused, and get no header', async () => {
    const door = new Door('web');
    for (const page of ['https://evil.example', 'https://shop.example.evil.example', 'null'])
      for (const sent of [good('web'), { method: 'OPTIONS' }]) {
        const answered = await door.send(from(page, sent));
        expect(answered.statusCode).toBe(403);
        expect(answered.headers).not.toHaveProperty('access-control-allow-origin');
      }
    expect(door.put).toEqual([]);
  });
});

describe('keys', () => {
  test('are read every five minutes', async () => {
    const door = new Door('orders');
    for (const passed_s of [0, 1, 299]) {
      door.now = NOW + passed_s * 1000;
      expect((await door.send(good('orders', KEYS[0], door.now))).statusCode).toBe(200);
    }
    expect(door.reads).toBe(1);
    door.secret = JSON.stringify({ keys: ['the-next-key'] });
    door.now = NOW + 300_000;
    expect((await door.send(good('orders', KEYS[0], door.now))).statusCode).toBe(401);
    expect((await door.send(good('orders', 'the-next-key', door.now))).statusCode).toBe(200);
    expect(door.reads).toBe(2);
  });

  test('that are new are found by a signature that fails, and wrong ones do not hammer the secret', async () => {
    const door = new Door('orders');
    await door.send(good('orders'));
    door.secret = JSON.stringify({ keys: ['the-next-key', ...KEYS] });
    door.now = NOW + 31_000;
    expect((await door.send(good('orders', 'the-next-key', door.now))).statusCode).toBe(200);
    for (let i = 0; i < 100; i++) {
      door.now += 1000;
      expect((await door.send(good('orders', 'wrong', door.now))).statusCode).toBe(401);
    }
    // One at 31 s, and then one in 30 s.
    expect(door.reads).toBe(2 + 3);
    await door.send({ body: '{}' });
    expect(door.reads).toBe(5);
  });

  test('go on while the secret can not be read, which is told', async () => {
    const door = new Door('orders');
    await door.send(good('orders'));
    door.secret = new Error('throttled');
    door.now = NOW + 300_000;
    expect((await door.send(good('orders', KEYS[0], door.now))).statusCode).toBe(200);
    expect([door.reads, door.errors]).toEqual([2, [door.secret]]);
  });

  test('that are missing are asked for every five seconds', async () => {
    const door = new Door('orders');
    door.secret = '{}';
    for (let i = 0; i < 10; i++) await door.send(good('orders'));
    expect(door.reads).toBe(1);
    door.secret = JSON.stringify({ keys: KEYS });
    door.now = NOW + 5000;
    expect((await door.send(good('orders', KEYS[0], door.now))).statusCode).toBe(200);
  });
});
