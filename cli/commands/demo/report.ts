import { reportLines } from '../experiment/report.ts';
import { modelLines } from '../train/train.ts';
import type { DemoSummary } from './summary.ts';

const GIB = 1024 ** 3;
const TRIGGER_TEXT: Readonly<Record<string, string>> = {
  sweep: 'by silence (sweep)',
  event: 'by an event',
  api: 'by a request',
};
const RULE_TEXT: Readonly<Record<string, string>> = { hold_out: 'left alone by chance (hold-out)' };
const number = new Intl.NumberFormat('en');

function counts(by: Readonly<Record<string, number>>, name: (key: string) => string = (key) => key): string {
  return Object.entries(by)
    .sort(([, a], [, b]) => b - a)
    .map(([key, count]) => `${name(key)} ${number.format(count)}`)
    .join(', ');
}

function requestsLine({ requests, operations, members, refused }: DemoSummary['requests_checked']): string {
  const held = `${number.format(requests)} of ${number.format(operations)} operations, ${number.format(members)} members`;
  return `${held} held against AWS's API models; ${refused.length === 0 ? 'none refused' : `refused: ${refused.join(', ')}`}`;
}

/** The summary as a table for people. */
export function render(summary: DemoSummary): string {
  const { events, quarantine, alerts, consistency, seconds } = summary;
  const rows: [string, string | readonly string[]][] = [
    [
      'Events',
      `${number.format(events.history)} of history, ${number.format(events.live)} live (${number.format(events.archived)} archived, ${events.lost} lost)`,
    ],
    ['Quarantined', `${quarantine.sent} bad records sent: ${counts(quarantine.by_reason)}`],
    ['States', number.format(summary.states)],
    ['Training set', describe(summary.training.manifest)],
    ['Model', modelLines({ ...summary.model, metadata: summary.model.metrics })],
    [
      'Scores',
      `${number.format(summary.scores.entities)} entities, ${number.format(summary.scores.above_threshold)} above the threshold`,
    ],
    [
      'Alerts',
      `${number.format(alerts.raised)} (${counts(alerts.by_trigger, (key) => TRIGGER_TEXT[key] ?? key)}); ${number.format(alerts.slack_messages)} reached Slack`,
    ],
    [
      'Not told',
      Object.keys(alerts.suppressed).length === 0
        ? 'nobody'
        : counts(alerts.suppressed, (rule) => RULE_TEXT[rule] ?? rule),
    ],
    [
      'At risk',
      `${number.format(alerts.found_by.event)} customers found by an event, ${number.format(alerts.found_by.silence)} only by their silence`,
    ],
    [
      '',
      alerts.examples.map(({ entity_id, score, reasons }) => `${entity_id} ${score.toFixed(2)}: ${reasons.join('; ')}`),
    ],
    [
      'Consistency',
      `${number.format(consistency.checked)} served vectors replayed offline, ${consistency.mismatches} mismatches`,
    ],
    [
      'Experiment',
      summary.experiment ? reportLines(summary.experiment).filter((line) => line !== '') : 'none declared',
    ],
    ['Access denied', String(summary.access_denied.count)],
    ['Requests', requestsLine(summary.requests_checked)],
    ['Dashboard', `${summary.page.widgets_with_data} of ${summary.page.widgets} charts have data`],
    [
      'Time',
      `${seconds.total} s (${Object.entries(seconds.steps)
        .map(([name, s]) => `${name} ${s}`)
        .join(', ')})`,
    ],
    ['Peak memory', `${(summary.peak_memory_bytes / GIB).toFixed(1)} GiB`],
  ];
  const width = Math.max(...rows.map(([title]) => title.length)) + 2;
  const lines = rows.flatMap(([title, content]) =>
    (typeof content === 'string' ? [content] : content).map(
      (line, index) => `  ${(index === 0 ? title : '').padEnd(width)}${line}`,
    ),
  );
  const verdict = summary.ok
    ? ['Every stage did its work.']
    : ['Something is wrong:', ...summary.failures.map((sentence) => `  ✗ ${sentence}`)];
  return ['', ...lines, '', ...verdict].join('\n');
}

/** The manifest's own numbers, whatever its splits are called. */
function describe(manifest: Readonly<Record<string, unknown>>): string {
  const rows = manifest.rows;
  if (typeof rows === 'object' && rows !== null) return `rows ${counts(rows as Record<string, number>)}`;
  return typeof rows === 'number' ? `${number.format(rows)} rows` : 'see the JSON summary';
}
