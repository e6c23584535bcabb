import { describe, expect, test } from '@jest/globals';
import type { ScoreRecord } from '../../engine/ports.ts';
import { alertItem, alertOf, decidedOf, endOf, outcomeOf } from '../../lambdas/aws/dynamo/alert-item.ts';

const record: ScoreRecord = {
  entity_id: 'a<&b',
  t: Date.UTC(2017, 10, 15, 9, 30),
  score: 0.876,
  variant: 'champion',
  experiment: null,
  model_version: 'm1',
  definition_hash: 'd1',
  trigger: 'sweep',
  reasons: ['nothing bought for 20 days'],
  alert_state: { armed: false, last_alert_t: null },
};
const words = { alert_id: 'id1', title: 'A customer is leaving', link: 'https://example.org/c' };
const item = alertItem(record, { ...words, disposition: { as: 'told' } });

describe('an item of the outbox', () => {
  test('is what it always was', () => {
    expect(item).toEqual({
      entity_id: { S: 'a<&b' },
      kind: { S: `alert#${record.t}` },
      t: { N: '1510738200000' },
      score: { N: '0.876' },
      variant: { S: 'champion' },
      model_version: { S: 'm1' },
      definition_hash: { S: 'd1' },
      trigger: { S: 'sweep' },
      reasons: { L: [{ S: 'nothing bought for 20 days' }] },
      alert_id: { S: 'id1' },
      title: { S: 'A customer is leaving' },
      link: { S: 'https://example.org/c' },
      status: { S: 'pending' },
      lease_until: { N: '0' },
    });
  });

  test('is read as the alert that it holds', () => {
    const { entity_id, t, score, trigger, reasons } = record;
    const told = { alert_id: 'id1', title: 'A customer is leaving', link: 'https://example.org/c' };
    expect(alertOf(item)).toEqual({ entity_id, kind: `alert#${t}`, t, score, trigger, reasons, ...told });
  });

  test('that lacks a part is refused by its name, and quotes nothing', () => {
    const { link: _, ...rest } = item;
    expect(() => alertOf(rest)).toThrow(/"link"/);
    expect(() => alertOf(rest)).not.toThrow(/leaving/);
  });

  test('is no other item', () => {
    expect(alertOf({ ...item, kind: { S: 'score' } })).toBeNull();
    expect(alertOf(undefined)).toBeNull();
  });
});

describe('an alert that waits', () => {
  const waiting = alertItem(record, { ...words, disposition: { as: 'waits', worth: 250.5, zone: 'Europe/Berlin' } });

  test('is in the index of those that wait, and in no outbox', () => {
    const own = { kind: { S: 'waiting' }, waiting: { S: 'yes' }, worth: { N: '250.5' }, zone: { S: 'Europe/Berlin' } };
    expect(waiting).toMatchObject(own);
    expect([alertOf(waiting), decidedOf(waiting, 1)]).toEqual([null, null]);
  });

  test('becomes the same alert as one that never waited', () => {
    expect(endOf(waiting, 'told')).toEqual(item);
    const suppressed = alertItem(record, { ...words, disposition: { as: 'suppressed', rule: 'capacity' } });
    expect(endOf(waiting, 'capacity')).toEqual(suppressed);
    expect(suppressed).toMatchObject({ kind: { S: `suppressed#${record.t}` }, rule: { S: 'capacity' } });
    expect(suppressed).not.toHaveProperty('status');
  });

  test('is kept in the lake at its end, with the rule that told nobody', () => {
    const { entity_id, t, score, variant, model_version, definition_hash, trigger } = record;
    const line = { alert_id: 'id1', entity_id, t, score, variant, model_version, definition_hash, trigger };
    expect(decidedOf(endOf(waiting, 'told'), 7)).toEqual({ ...line, rule: null, decided_at: 7 });
    expect(decidedOf(endOf(waiting, 'quiet_hours'), 7)).toEqual({ ...line, rule: 'quiet_hours', decided_at: 7 });
    expect([outcomeOf(item), outcomeOf(undefined), decidedOf(undefined, 7)]).toEqual([null, null, null]);
  });
});
