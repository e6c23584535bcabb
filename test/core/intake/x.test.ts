/** What X sends, by its activity API and the one before. */
import { describe, expect, test } from '@jest/globals';
import { xAccountActivity } from '../../../core/intake/envelopes/x-account-activity.ts';
import { xActivity } from '../../../core/intake/envelopes/x-activity.ts';
import { ids, itemsOf, RECEIVED, reasons, times, unpack } from './unpacking.ts';

describe('x_activity', () => {
  const data = (event_type: string, payload: object) => ({
    data: { event_uuid: '-42', filter: { user_id: '7' }, event_type, payload },
  });
  const at = '2026-11-27T11:00:00.000Z';

  test.each<[string, object, number]>([
    ['post.create', { id: '1', created_at: at }, Date.parse(at)],
    ['post.mention.create', { id: '1', created_at: at }, Date.parse(at)],
    ['like.create', { id: '1', created_at: '2020-01-01T00:00:00Z', timestamp_ms: Date.parse(at) }, Date.parse(at)],
    ['like.create', { id: '1', timestamp_ms: String(Date.parse(at)) }, Date.parse(at)],
    ['like.create', { id: '1', created_at: at }, RECEIVED],
    ['post.delete', { id: '1', created_at: at }, RECEIVED],
    ['follow.follow', { source: { id: '1' }, target: { id: '2' } }, RECEIVED],
    ['oauth.revoke', { user_id: '7', date_time: at }, Date.parse(at)],
    ['post.create', { id: '1', created_at: 'yesterday' }, RECEIVED],
  ])('%s', (type, payload, time_ms) => {
    const unpacked = unpack(xActivity, data(type, payload));
    expect(itemsOf(unpacked)).toEqual([{ body: { ...data(type, payload).data, time_ms }, id: '-42', kind: type }]);
  });

  test.each<[string, unknown]>([
    ['the form of filtered streams', { data: { id: '1', text: 'x' }, matching_rules: [] }],
    ['the older envelope', { for_user_id: '7', follow_events: [] }],
    ['no id of the delivery', { data: { event_type: 'post.create', payload: {} } }],
    ['no payload', { data: { event_type: 'post.create', event_uuid: '1' } }],
  ])('%s is refused', (_, body) => {
    expect(reasons(unpack(xActivity, body))).toEqual(['INVALID_ENVELOPE']);
  });
});

describe('x_account_activity', () => {
  const tweet = { id_str: '11', created_at: 'Wed Oct 10 20:19:24 +0000 2018', user: { id_str: '8' } };
  const follow = { type: 'follow', created_timestamp: '1517588749178', target: { id: '7' }, source: { id: '9' } };

  test('an item each event, by kind, account and its own id', () => {
    const unpacked = unpack(xAccountActivity, {
      for_user_id: '7',
      tweet_create_events: [tweet, { ...tweet, id_str: '12', timestamp_ms: '1517588749178' }],
      favorite_events: [{ id: 'a1', timestamp_ms: 1_517_588_749_178 }],
      follow_events: [follow],
      tweet_delete_events: [{ status: { id: '11', user_id: '8' }, timestamp_ms: '1517588749178' }],
    });
    expect(ids(unpacked)).toEqual([
      'tweet_create_events:7:11',
      'tweet_create_events:7:12',
      'favorite_events:7:a1',
      'follow_events:7:follow:9:7:1517588749178',
      'tweet_delete_events:7:11',
    ]);
    expect(times(unpacked)).toEqual([Date.parse('2018-10-10T20:19:24Z'), ...Array(4).fill(1_517_588_749_178)]);
    expect(itemsOf(unpacked)[0]).toEqual({
      body: {
        for_user_id: '7',
        kind: 'tweet_create_events',
        event: tweet,
        time_ms: Date.parse('2018-10-10T20:19:24Z'),
      },
      id: 'tweet_create_events:7:11',
      kind: 'tweet_create_events',
    });
    expect(unpacked.refused).toEqual([]);
  });

  test('a revocation is of no account', () => {
    const revoke = { date_time: '2018-05-24T09:48:12+00:00', target: { app_id: '13' }, source: { user_id: '63' } };
    const unpacked = unpack(xAccountActivity, { user_event: { revoke } });
    expect(itemsOf(unpacked)).toEqual([
      {
        body: {
          for_user_id: null,
          kind: 'user_event.revoke',
          event: revoke,
          time_ms: Date.parse('2018-05-24T09:48:12Z'),
        },
        id: `user_event.revoke:63:13:${Date.parse('2018-05-24T09:48:12Z')}`,
        kind: 'user_event.revoke',
      },
    ]);
  });

  test('an event that is none is refused by itself, in an envelope that can come again', () => {
    const unpacked = unpack(xAccountActivity, { for_user_id: '7', favorite_events: [1, { id: 'a1' }] });
    expect(ids(unpacked)).toEqual(['favorite_events:7:a1']);
    expect(JSON.parse(Buffer.from(unpacked.refused[0]!.raw).toString())).toEqual({
      for_user_id: '7',
      favorite_events: [1],
    });
  });

  test('an event without an id, or a time to make one of, has none', () => {
    const unpacked = unpack(xAccountActivity, { for_user_id: '7', follow_events: [{ source: { id: '9' } }] });
    expect([ids(unpacked), times(unpacked)]).toEqual([[null], [RECEIVED]]);
  });

  test.each<[string, unknown]>([
    ['no events', { for_user_id: '7' }],
    ['events that are no array', { for_user_id: '7', follow_events: {} }],
    ['events of nobody', { follow_events: [follow] }],
    ['an account that is a number', { for_user_id: 7, follow_events: [follow] }],
  ])('%s: refused', (_, body) => {
    expect(reasons(unpack(xAccountActivity, body))).toEqual(['INVALID_ENVELOPE']);
  });
});
