import type { SuppressedRow } from '../../../console/scores.ts';
import type { AlertRow, ScoreRow } from '../../../console/types.ts';
import type { RequestsChecked } from '../../../local/cloud.ts';
import type { ConsistencyReport, ExperimentReport } from '../../../names/reports.ts';
import { type FoundBy, foundBy } from '../report/figures.ts';
import type { TrainedModel } from '../train/train.ts';
import type { QuarantineLine } from './lake-reader.ts';
import type { Timings } from './session.ts';
import type { ReplayResult } from './stages.ts';

/** What a run did, as it stands in the JSON file. Times are ms UTC, durations seconds. */
export interface DemoSummary {
  ok: boolean;
  /** Why not, one sentence each. */
  failures: string[];
  use_case: string;
  events: { history: number; live: number; archived: number; lost: number };
  quarantine: {
    sent: number;
    by_reason: Record<string, number>;
    /** Bad records whose reason is another one than expected, or which are missing. */
    wrong: { what: string; expected: string; found: string | null }[];
    /** Good events that ended there. */
    unexpected: number;
  };
  states: number;
  training: { training_set_id: string; manifest: Record<string, unknown> };
  model: { package: string; version: number; endpoint: string | null; metrics: Readonly<Record<string, string>> };
  scores: { entities: number; above_threshold: number };
  alerts: {
    raised: number;
    by_trigger: Record<string, number>;
    slack_messages: number;
    /** Nobody was told of these, by rule. */
    suppressed: Record<string, number>;
    /** Customers at risk, told of or not: found by an event, or only because they fell silent. */
    found_by: FoundBy;
    /** Whether what somebody said of an alert in Slack was kept. */
    outcome_kept: boolean;
    examples: { entity_id: string; score: number; trigger: string | null; reasons: readonly string[] }[];
  };
  consistency: { checked: number; mismatches: number; by_feature: Record<string, unknown> };
  /** Null where the use case declares none. */
  experiment: ExperimentReport | null;
  access_denied: { count: number; first: string | null };
  /** What the local cloud held against AWS's API models, and the operations it refused requests of. */
  requests_checked: RequestsChecked;
  /** Batches a function gave up on. */
  failed_batches: number;
  page: { url: string | null; widgets_with_data: number; widgets: number };
  seconds: { total: number; steps: Record<string, number> };
  peak_memory_bytes: number;
}

export interface Findings {
  readonly use_case: string;
  readonly history_events: number;
  readonly archived: ReadonlySet<string>;
  readonly live_ids: readonly string[];
  readonly quarantine: readonly QuarantineLine[];
  readonly replay: ReplayResult;
  readonly states: number;
  readonly model: TrainedModel;
  readonly manifest: Record<string, unknown>;
  readonly scores: readonly ScoreRow[];
  readonly alerts: readonly AlertRow[];
  readonly suppressed: readonly SuppressedRow[];
  readonly outcome_kept: boolean;
  readonly threshold: number;
  readonly slack_messages: number;
  readonly consistency: ConsistencyReport;
  readonly experiment: ExperimentReport | null;
  readonly access_denied: readonly { action: string; resource: string; principal: string }[];
  readonly requests_checked: RequestsChecked;
  readonly failed_batches: number;
  readonly page: DemoSummary['page'];
  readonly timings: Timings;
  readonly total_ms: number;
  readonly peak_memory_bytes: number;
}

const EXAMPLES = 5;

function countBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}

/** One example of each trigger first, then the highest scores. */
function examplesOf(alerts: readonly AlertRow[]): AlertRow[] {
  const sorted = [...alerts].sort((a, b) => b.score - a.score);
  const firsts = [...new Map([...sorted].reverse().map((alert) => [alert.trigger, alert])).values()];
  return [...new Set([...firsts, ...sorted])].slice(0, EXAMPLES);
}

/** Puts the findings together and says whether every stage did its work. */
export function summarise(found: Findings): DemoSummary {
  const place = (shard: string, sequence: string) => `${shard}/${sequence}`;
  const byPlace = new Map(found.quarantine.map((line) => [place(line.shard_id, line.sequence_number), line]));
  const wrong = found.replay.bad.flatMap(({ what, reason, shard, sequence }) => {
    const line = byPlace.get(place(shard, sequence));
    byPlace.delete(place(shard, sequence));
    return line?.reason === reason ? [] : [{ what, expected: reason, found: line?.reason ?? null }];
  });
  const lost = found.live_ids.filter((id) => !found.archived.has(id)).length;
  const first = found.access_denied[0];
  const summary: DemoSummary = {
    ok: false,
    failures: [],
    use_case: found.use_case,
    events: { history: found.history_events, live: found.replay.good, archived: found.archived.size, lost },
    quarantine: {
      sent: found.replay.bad.length,
      by_reason: countBy(found.quarantine, ({ reason }) => reason),
      wrong,
      unexpected: byPlace.size,
    },
    states: found.states,
    training: {
      training_set_id: found.model.training_set_id,
      manifest: found.manifest,
    },
    model: {
      package: found.model.arn,
      version: found.model.version,
      endpoint: found.model.endpoint,
      metrics: found.model.metadata,
    },
    scores: {
      entities: found.scores.length,
      above_threshold: found.scores.filter(({ score }) => score > found.threshold).length,
    },
    alerts: alertsOf(found),
    consistency: {
      checked: found.consistency.checked,
      mismatches: found.consistency.mismatches,
      by_feature: found.consistency.by_feature ?? {},
    },
    experiment: found.experiment,
    access_denied: {
      count: found.access_denied.length,
      first: first ? `${first.action} on ${first.resource} by ${first.principal}` : null,
    },
    requests_checked: found.requests_checked,
    failed_batches: found.failed_batches,
    page: found.page,
    seconds: {
      total: Math.round(found.total_ms / 1000),
      steps: Object.fromEntries(Object.entries(found.timings).map(([name, ms]) => [name, Math.round(ms / 100) / 10])),
    },
    peak_memory_bytes: found.peak_memory_bytes,
  };
  summary.failures = failuresOf(summary);
  summary.ok = summary.failures.length === 0;
  return summary;
}

/** What became of the alerts, and how those at risk were found. */
function alertsOf(found: Findings): DemoSummary['alerts'] {
  return {
    raised: found.alerts.length,
    by_trigger: countBy(found.alerts, ({ trigger }) => trigger ?? 'unknown'),
    slack_messages: found.slack_messages,
    suppressed: countBy(found.suppressed, ({ rule }) => rule),
    found_by: foundBy([...found.alerts, ...found.suppressed]),
    outcome_kept: found.outcome_kept,
    examples: examplesOf(found.alerts).map(({ entity_id, score, trigger, reasons }) => ({
      entity_id,
      score,
      trigger,
      reasons,
    })),
  };
}

/** What must hold after every run; each sentence says what was found. */
function failuresOf(summary: DemoSummary): string[] {
  const { events, quarantine, alerts, consistency, experiment } = summary;
  const rules: [broken: boolean, sentence: string][] = [
    [events.history === 0, 'No history was loaded.'],
    [events.live === 0, 'No live event was replayed.'],
    [events.lost > 0, `${events.lost} live events are not in the archive.`],
    [quarantine.sent === 0, 'No bad record was sent.'],
    ...quarantine.wrong.map(({ what, expected, found }): [boolean, string] => [
      true,
      `A bad record (${what}) should be quarantined as ${expected} and ${found ? `is as ${found}` : 'is not'}.`,
    ]),
    [quarantine.unexpected > 0, `${quarantine.unexpected} good events are in the quarantine.`],
    [summary.states === 0, 'The backfill wrote no state.'],
    [summary.scores.entities === 0, 'Nobody was scored.'],
    [alerts.raised === 0, 'No alert was raised.'],
    [alerts.slack_messages === 0, 'No alert reached the Slack receiver.'],
    [
      alerts.slack_messages !== alerts.raised,
      `${alerts.raised} alerts were raised and ${alerts.slack_messages} messages reached Slack.`,
    ],
    [alerts.raised > 0 && !alerts.outcome_kept, 'What was said of an alert in Slack was not kept.'],
    [consistency.checked === 0, 'No served vector was checked against its offline replay.'],
    [
      consistency.mismatches > 0,
      `${consistency.mismatches} of ${consistency.checked} served vectors disagree with their offline replay.`,
    ],
    ...(experiment?.arms ?? []).map(({ variant, exposed }): [boolean, string] => [
      exposed === 0,
      `Nobody was exposed to the ${variant} of the experiment.`,
    ]),
    [
      experiment?.recommendation.decision === 'invalid',
      `The experiment is invalid: ${experiment?.recommendation.reason}`,
    ],
    [
      summary.access_denied.count > 0,
      `IAM refused ${summary.access_denied.count} calls, first ${summary.access_denied.first}.`,
    ],
    [
      summary.requests_checked.refused.length > 0,
      `Requests were refused as AWS would refuse them: ${summary.requests_checked.refused.join(', ')}.`,
    ],
    [summary.failed_batches > 0, `${summary.failed_batches} batches were given up on.`],
    [summary.page.widgets_with_data === 0, 'The deployed dashboard shows no data.'],
  ];
  return rules.flatMap(([broken, sentence]) => (broken ? [sentence] : []));
}
