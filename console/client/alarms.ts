import type { Alarm, AlarmState } from '../types.ts';
import { byId, changed, fillTable, h } from './dom.ts';
import { counted, duration } from './format.ts';

const STATE_TEXT = { OK: 'OK', ALARM: 'Ringing', INSUFFICIENT_DATA: 'No data yet' } as const;
const STATE_CLASS = { OK: 'ok', ALARM: 'bad', INSUFFICIENT_DATA: 'quiet' } as const;
/** The last one first. */
const SEVERITIES = ['warning', 'critical'];
const ORDER: readonly AlarmState[] = ['ALARM', 'OK', 'INSUFFICIENT_DATA'];

/** What the alarm registry (lib/monitoring) writes into a description; any other text is the sentence. */
function textOf({ description }: Alarm): { severity: string; sentence: string; runbook: string } {
  const [first = '', ...rest] = description.split('\n');
  const [, severity = '', sentence = first] = /^(CRITICAL|WARNING): (.*)/.exec(first) ?? [];
  const runbook = rest.find((line) => line.startsWith('Runbook: '))?.slice('Runbook: '.length) ?? '';
  return { severity: severity.toLowerCase(), sentence, runbook };
}

/** Without `<stage>/<use case>/`, which stand at the top of the page. */
const nameOf = ({ name }: Alarm) => name.split('/').at(-1) ?? name;

function chipOf({ state, reason }: Alarm): HTMLElement {
  return h('span', { class: `chip ${STATE_CLASS[state]}`, title: reason }, STATE_TEXT[state]);
}

/** All that somebody needs who is woken by it. @param now ms UTC */
function ringing(alarm: Alarm, now: number): HTMLElement {
  const { severity, sentence, runbook } = textOf(alarm);
  const since = alarm.since === null ? '' : `for ${duration(Math.max(0, now - alarm.since))}`;
  return h(
    'li',
    { class: 'alarm', 'data-state': alarm.state },
    h(
      'div',
      { class: 'alarm-head' },
      severity === ''
        ? chipOf(alarm)
        : h('span', { class: `chip ${severity === 'critical' ? 'bad' : 'warn'}` }, severity),
      h('b', { class: 'name', title: alarm.name }, nameOf(alarm)),
      h('span', { class: 'count' }, since),
    ),
    h('p', {}, sentence),
    h('p', { class: 'detail' }, [alarm.reason, runbook && `Runbook: ${runbook}`].filter(Boolean).join(' ')),
  );
}

function quiet(alarm: Alarm): HTMLElement {
  return h(
    'tr',
    { class: 'alarm-row' },
    h('td', { class: 'state' }, chipOf(alarm)),
    h('td', { class: 'name', title: alarm.name }, h('span', {}, nameOf(alarm))),
    h('td', { class: 'why' }, textOf(alarm).sentence),
  );
}

const number = (alarms: readonly Alarm[], state: AlarmState) => alarms.filter((alarm) => alarm.state === state).length;

/**
 * Shows the alarms: those that ring with what they mean, the others folded.
 * @param now ms UTC, when they were read
 */
export function showAlarms(alarms: readonly Alarm[], now: number): void {
  const sorted = [...alarms].sort(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.name.localeCompare(b.name),
  );
  const urgency = (alarm: Alarm) => SEVERITIES.indexOf(textOf(alarm).severity);
  const loud = sorted.filter(({ state }) => state === 'ALARM').sort((a, b) => urgency(b) - urgency(a));
  const rest = sorted.filter(({ state }) => state !== 'ALARM');
  byId('alarm-count').textContent = alarms.length === 0 ? 'none are deployed' : `${loud.length || 'none'} ringing`;
  byId('ringing').replaceChildren(...loud.map((alarm) => ringing(alarm, now)));
  byId('quiet').hidden = rest.length === 0;
  if (!changed('quiet alarms', rest)) return;
  const parts = [counted(number(rest, 'OK'), 'OK', 'OK'), `${number(rest, 'INSUFFICIENT_DATA')} without data yet`];
  byId('quiet-summary').textContent = `${counted(rest.length, 'quiet alarm')}: ${parts.join(', ')}`;
  fillTable('alarms', ['State', 'Alarm', 'What it means'], rest.map(quiet));
}
