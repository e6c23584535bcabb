import { describe, expect, test } from '@jest/globals';
import { render } from '../../cli/commands/demo/report.ts';
import { type Findings, summarise } from '../../cli/commands/demo/summary.ts';
import { REPORT } from '../fixtures/experiment-report.ts';

const alert = (entity_id: string, score: number, trigger: string) => ({
  ...{ alert_id: entity_id, entity_id, t: 1, score, status: 'sent', title: 't', link: 'https://example.com', trigger },
  reasons: ['no basket for 31 days'],
});

/** A run in which everything went well. */
const WELL: Findings = {
  use_case: 'churn',
  history_events: 100,
  archived: new Set(['a', 'b']),
  live_ids: ['a', 'b'],
  quarantine: [{ shard_id: 's', sequence_number: '7', reason: 'OVERSIZE', detail: '' }],
  replay: {
    ...{ good: 2, days: 1, swept: 1, retried: 0 },
    bad: [
      { what: 'too large', reason: 'OVERSIZE', data: new Uint8Array(), partitionKey: 'a', shard: 's', sequence: '7' },
    ],
  },
  states: 10,
  model: {
    training_set_id: 'x',
    arn: 'a/churn/1',
    version: 1,
    endpoint: 'e',
    metadata: { auc: '0.85', auc_low: '0.84', auc_high: '0.86' },
  },
  manifest: { rows: { train: 5 } },
  scores: [],
  alerts: [alert('1', 0.95, 'sweep'), alert('2', 0.85, 'event'), alert('3', 0.9, 'sweep')],
  suppressed: [
    { entity_id: '3', trigger: 'event', rule: 'hold_out' },
    { entity_id: '4', trigger: 'sweep', rule: 'hold_out' },
  ],
  outcome_kept: true,
  threshold: 0.8,
  slack_messages: 3,
  consistency: { checked: 20, mismatches: 0 },
  experiment: REPORT,
  access_denied: [],
  requests_checked: { operations: 90, requests: 4000, members: 120_000, refused: [] },
  failed_batches: 0,
  page: { url: null, widgets: 4, widgets_with_data: 4 },
  timings: { deploy: 12_340 },
  total_ms: 60_000,
  peak_memory_bytes: 2 * 1024 ** 3,
};
const scores = [{ entity_id: '1', score: 0.95, t: 1, reasons: [], trigger: 'sweep', model_version: '1' }];
const run = (change: Partial<Findings> = {}) => summarise({ ...WELL, scores, ...change });

describe('the summary of a run', () => {
  test('is good when every stage did its work, and shows what happened', () => {
    const summary = run();
    expect(summary.failures).toEqual([]);
    expect(summary.ok).toBe(true);
    expect(summary.alerts.by_trigger).toEqual({ sweep: 2, event: 1 });
    expect(new Set(summary.alerts.examples.slice(0, 2).map(({ trigger }) => trigger))).toEqual(
      new Set(['sweep', 'event']),
    );
    const text = render(summary);
    for (const part of [
      'OVERSIZE 1',
      'by silence (sweep) 2',
      'left alone by chance (hold-out) 2',
      // 3 was silent first, and came by an event later.
      '2 customers found by an event, 2 only by their silence',
      '0 mismatches',
      'wait: No difference is proven yet.',
      'auc 0.85 [0.84, 0.86]',
      '4,000 of 90 operations, 120,000 members',
      '2.0 GiB',
      'Every stage did its work.',
    ]) {
      expect(text).toContain(part);
    }
  });

  test.each<[string, Partial<Findings>, RegExp]>([
    ['an event is lost', { archived: new Set(['a']) }, /1 live events are not in the archive/],
    ['a bad record is missing', { quarantine: [] }, /\(too large\) should be quarantined as OVERSIZE and is not/],
    [
      'a bad record has another reason',
      { quarantine: [{ shard_id: 's', sequence_number: '7', reason: 'MALFORMED_JSON', detail: '' }] },
      /OVERSIZE and is as MALFORMED_JSON/,
    ],
    [
      'a good event is quarantined',
      { quarantine: [...WELL.quarantine, { shard_id: 's', sequence_number: '8', reason: 'NOT_IN_ENUM', detail: '' }] },
      /1 good events are in the quarantine/,
    ],
    ['no alert is raised', { alerts: [], slack_messages: 0 }, /No alert was raised/],
    ['an alert does not reach Slack', { slack_messages: 2 }, /3 alerts were raised and 2 messages reached Slack/],
    ['what was said of an alert is lost', { outcome_kept: false }, /What was said of an alert in Slack was not kept/],
    ['a vector disagrees', { consistency: { checked: 20, mismatches: 1 } }, /1 of 20 served vectors disagree/],
    ['nothing was checked', { consistency: { checked: 0, mismatches: 0 } }, /No served vector was checked/],
    [
      'IAM refused a call',
      { access_denied: [{ action: 'dynamodb:PutItem', resource: 'r', principal: 'p' }] },
      /IAM refused 1 calls, first dynamodb:PutItem on r by p/,
    ],
    [
      'a request was refused',
      { requests_checked: { operations: 90, requests: 4000, members: 120_000, refused: ['kinesis:PutRecord'] } },
      /Requests were refused as AWS would refuse them: kinesis:PutRecord/,
    ],
    [
      'a variant is left out of the experiment',
      { experiment: { ...REPORT, arms: REPORT.arms.map((arm) => ({ ...arm, exposed: 0 })) } },
      /Nobody was exposed to the champion of the experiment\.\nNobody was exposed to the challenger/,
    ],
    [
      'the experiment is broken',
      { experiment: { ...REPORT, recommendation: { decision: 'invalid', reason: 'The shares are others.' } } },
      /The experiment is invalid: The shares are others\./,
    ],
    ['a batch was given up on', { failed_batches: 2 }, /2 batches were given up on/],
    ['the dashboard is empty', { page: { url: null, widgets: 4, widgets_with_data: 0 } }, /dashboard shows no data/],
  ])('is bad when %s', (_, change, sentence) => {
    const summary = run(change);
    expect(summary.ok).toBe(false);
    expect(summary.failures.join('\n')).toMatch(sentence);
    expect(render(summary)).toContain('Something is wrong:');
  });
});

test('a model that waits for its approval is not said to be served', () => {
  const waiting = run({ model: { ...WELL.model, endpoint: null } });
  expect(render(waiting)).toContain('version 1, not served before it is approved: npx tidemark model approve');
  expect(render(run())).toContain('version 1, served by e');
});
