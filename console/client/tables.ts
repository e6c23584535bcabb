import type { AlertRow, ScoreRow, ScoresAnswer } from '../types.ts';
import { drawHistogram } from './charts.ts';
import { byId, h, safeLink } from './dom.ts';
import { date, score, whole } from './format.ts';

const TRIGGER_TEXT: Readonly<Record<string, string>> = { event: 'an event', sweep: 'silence', api: 'a request' };

function headOf(...names: readonly string[]): HTMLElement {
  return h('thead', {}, h('tr', {}, ...names.map((name) => h('th', { scope: 'col' }, name))));
}

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
    {},
    scoreCell(alert.score, threshold),
    h('td', { class: 'name' }, safeLink(alert.link, alert.entity_id)),
    h('td', { class: 'wrap' }, reasonsOf(alert.reasons)),
    h('td', {}, raisedBy),
    h('td', {}, date(alert.t)),
    h('td', {}, h('span', { class: alert.status === 'sent' ? 'chip ok' : 'chip quiet' }, alert.status)),
  );
}

function scoreRow(row: ScoreRow, threshold: number | null): HTMLElement {
  return h(
    'tr',
    {},
    scoreCell(row.score, threshold),
    h('td', { class: 'name' }, row.entity_id),
    h('td', { class: 'wrap' }, reasonsOf(row.reasons)),
    h('td', {}, date(row.t)),
  );
}

function emptyRow(columns: number, text: string): HTMLElement {
  return h('tr', {}, h('td', { class: 'empty', colspan: String(columns) }, text));
}

/** Shows the alerts, the highest scores and how all scores are spread; without a model or alerts, what there is. */
export function showScores(answer: ScoresAnswer | null): void {
  byId('scores-and-alerts').hidden = answer === null;
  if (answer === null) return;
  const { threshold } = answer;
  byId('alerts-panel').hidden = threshold === null;
  byId('alert-count').textContent = `${whole(answer.alert_count)} above ${threshold}`;
  byId('score-count').textContent =
    `${whole(answer.total)} entities${answer.complete ? '' : ' (the first part of a large table)'}`;
  const alerts = answer.alerts.map((alert) => alertRow(alert, threshold));
  byId('alerts').replaceChildren(
    headOf('Score', 'Who', 'Why', 'Raised by', 'As of', 'Slack'),
    h('tbody', {}, ...(alerts.length > 0 ? alerts : [emptyRow(6, 'No alert yet.')])),
  );
  const scores = answer.top.map((row) => scoreRow(row, threshold));
  byId('scores').replaceChildren(
    headOf('Score', 'Who', 'Why', 'As of'),
    h('tbody', {}, ...(scores.length > 0 ? scores : [emptyRow(4, 'No score yet.')])),
  );
  drawHistogram(byId('histogram'), answer.histogram, threshold);
}
