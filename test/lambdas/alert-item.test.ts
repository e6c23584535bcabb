import { describe, expect, test } from '@jest/globals';
import type { ScoreRecord } from '../../engine/ports.ts';
import { alertItem, alertOf } from '../../lambdas/aws/dynamo/alert-item.ts';

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
const item = alertItem(record, { alert_id: 'id1', title: 'A customer is leaving', link: 'https://example.org/c' });

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
