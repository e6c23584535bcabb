import type { AlertRow, ScoreRow, ScoresAnswer } from '../types.ts';
import { drawHistogram } from './charts.ts';
import { byId, changed, fillTable, h, safeLink } from './dom.ts';
import { counted, date, score, whole } from './format.ts';

const TRIGGER_TEXT: Readonly<Record<string, string>> = { event: 'an event', sweep: 'silence', api: 'a request' };

function reasonsOf(reasons: readonly string[]): HTMLElement {
  return h('ul', { class: 'reasons' }, ...reasons.map((reason) => h('li', {}, reason)));
}

function scoreCell(value: number, threshold: number | null): HTMLElement {
  return h('td', { class: threshold !== null && value > threshold ? 'score high' : 'score' }, score(value));
}

function alertRow(alert: AlertRow, threshold: number | null): HTMLElement {
  const raisedBy = alert.trigger === null ? '–' : (TRIGGER_TEXT[alert.trigger] ?? alert.trigger);
  return h(
    'tr',
    { class: 'alert' },
    scoreCell(alert.score, threshold),
    h('td', { class: 'name' }, safeLink(alert.link, alert.entity_id)),
    h('td', { class: 'why' }, reasonsOf(alert.reasons)),
    h('td', { class: 'by' }, raisedBy),
    h('td', { class: 'when' }, date(alert.t)),
    h('td', { class: 'state' }, h('span', { class: alert.status === 'sent' ? 'chip ok' : 'chip quiet' }, alert.status)),
  );
}

function scoreRow(row: ScoreRow, threshold: number | null): HTMLElement {
  return h(
    'tr',
    {},
    scoreCell(row.score, threshold),
    h('td', { class: 'name' }, h('span', {}, row.entity_id)),
    h('td', { class: 'why' }, reasonsOf(row.reasons)),
    h('td', { class: 'when' }, date(row.t)),
  );
}

function alertsOf({ alerts, threshold }: ScoresAnswer): void {
  const rows = alerts.map((alert) => alertRow(alert, threshold));
  const none = `No alert yet: one is raised when a score rises above ${threshold}.`;
  fillTable('alerts', ['Score', 'Who', 'Why', 'Raised by', 'As of', 'Slack'], rows, none);
}

function scoresOf({ top, threshold }: ScoresAnswer): void {
  const rows = top.map((row) => scoreRow(row, threshold));
  const none = 'No score yet: an entity gets one with its next event, or from the sweep.';
  fillTable('scores', ['Score', 'Who', 'Why', 'As of'], rows, none);
}

/** Shows the alerts, the highest scores and how all scores are spread; without a model or alerts, what there is. */
export function showScores(answer: ScoresAnswer | null): void {
  byId('scores-and-alerts').hidden = answer === null;
  if (answer === null) return;
  const { threshold, total, alert_count, complete, histogram } = answer;
  if (changed('scores', answer)) {
    byId('alerts-panel').hidden = threshold === null;
    byId('alert-count').textContent = `${whole(alert_count)} above ${threshold}`;
    byId('score-count').textContent =
      counted(total, 'entity', 'entities') + (complete ? '' : ' (the first part of a large table)');
    alertsOf(answer);
    scoresOf(answer);
  }
  const picture = byId('histogram');
  picture.hidden = total === 0;
  const red = threshold === null ? '' : `; red: above ${threshold}`;
  picture.setAttribute('aria-label', `How many entities have which score, in steps of 0.05${red}`);
  if (total > 0) drawHistogram(picture, histogram, threshold);
}
