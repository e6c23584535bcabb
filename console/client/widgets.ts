import type { Alarm, DashboardAnswer, Widget } from '../types.ts';
import { drawSeries, forgetDetached, pointCount } from './charts.ts';
import { byId, h } from './dom.ts';
import { short, time, words } from './format.ts';

/** CloudWatch's grid: 24 columns; a row of the grid in pixels. */
const ROW_PX = 46;

const STATE_TEXT = { OK: 'OK', ALARM: 'In alarm', INSUFFICIENT_DATA: 'No data yet' } as const;
const STATE_CLASS = { OK: 'ok', ALARM: 'bad', INSUFFICIENT_DATA: 'quiet' } as const;

let drawn = '';

function stateChip(alarm: Alarm): HTMLElement {
  return h('span', { class: `chip ${STATE_CLASS[alarm.state]}`, title: alarm.reason }, STATE_TEXT[alarm.state]);
}

/** A CloudWatch text widget is Markdown; headings and paragraphs are enough of it here, as plain text. */
function textWidget(markdown: string): HTMLElement {
  const lines = markdown.split('\n').filter((line) => line.trim() !== '');
  const box = h('div', { class: 'text' });
  for (const line of lines) {
    const heading = line.match(/^#+\s+(.*)/);
    const plain = (heading?.[1] ?? line).replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').replace(/[*_`]{1,3}/g, '');
    box.append(heading ? h('h4', {}, plain) : h('p', {}, plain));
  }
  return box;
}

function singleValues(widget: Extract<Widget, { kind: 'chart' }>): HTMLElement {
  return h(
    'div',
    { class: 'singles' },
    ...widget.series.map((series) => {
      const last = series.points.at(-1);
      return h('div', {}, h('b', {}, last ? short(last[1]) : '–'), h('span', {}, series.label));
    }),
  );
}

function panel(widget: Widget): HTMLElement {
  const body = h('div', { class: 'body' });
  const title = widget.title === '' ? null : h('h3', {}, widget.title);
  const box = h('div', { class: 'panel widget', 'data-kind': widget.kind }, title, body);
  box.style.gridColumn = `${widget.x + 1} / span ${widget.width}`;
  box.style.gridRow = `${widget.y + 1} / span ${widget.height}`;
  if (widget.kind === 'text') body.append(textWidget(widget.markdown));
  if (widget.kind === 'unsupported')
    body.append(h('p', { class: 'empty' }, `A ${widget.type} widget: look at it in the CloudWatch console.`));
  if (widget.kind === 'alarms') {
    body.append(
      ...widget.alarms.map((alarm) => h('div', { class: 'alarm-line' }, stateChip(alarm), h('span', {}, alarm.name))),
    );
  }
  return box;
}

function fill(box: HTMLElement, widget: Widget, answer: DashboardAnswer): void {
  if (widget.kind !== 'chart') return;
  const body = box.querySelector<HTMLElement>('.body');
  if (!body) return;
  const points = pointCount(widget.series);
  box.dataset.points = String(points);
  if (widget.view === 'singleValue') {
    body.replaceChildren(singleValues(widget));
    return;
  }
  if (points === 0) {
    const problem = widget.series.find((series) => series.problem)?.problem;
    body.replaceChildren(h('p', { class: 'empty' }, problem ? `No data: ${problem}.` : 'No data in this range.'));
    return;
  }
  let canvas = body.querySelector<HTMLElement>('.chart');
  if (!canvas) {
    canvas = h('div', { class: 'chart' });
    body.replaceChildren(canvas);
  }
  drawSeries(canvas, widget, answer.from, answer.to);
}

/** Shows the dashboard. The panels stay while its layout stays, so that charts are updated and not rebuilt. */
export function showDashboard(answer: DashboardAnswer): void {
  byId('dashboard-name').textContent =
    `${answer.name} · one point = ${answer.period} s · ${time(answer.from)}–${time(answer.to)} UTC`;
  const grid = byId('dashboard');
  const layout = JSON.stringify(
    answer.widgets.map(({ kind, x, y, width, height, title }) => [kind, x, y, width, height, title]),
  );
  if (layout !== drawn) {
    grid.style.gridAutoRows = `${ROW_PX}px`;
    grid.replaceChildren(...answer.widgets.map(panel));
    drawn = layout;
  }
  for (const [index, widget] of answer.widgets.entries()) fill(grid.children[index] as HTMLElement, widget, answer);
  forgetDetached();
}

/** Shows every alarm with its state, those that ring first. */
export function showAlarms(alarms: readonly Alarm[]): void {
  const order = { ALARM: 0, INSUFFICIENT_DATA: 2, OK: 1 } as const;
  const sorted = [...alarms].sort((a, b) => order[a.state] - order[b.state] || a.name.localeCompare(b.name));
  const ringing = alarms.filter(({ state }) => state === 'ALARM').length;
  byId('alarm-count').textContent = `${alarms.length} ${alarms.length === 1 ? 'alarm' : 'alarms'}, ${ringing} ringing`;
  byId('alarms').replaceChildren(
    h('thead', {}, h('tr', {}, ...['State', 'Alarm', 'What it means'].map((text) => h('th', { scope: 'col' }, text)))),
    h(
      'tbody',
      {},
      ...sorted.map((alarm) =>
        h(
          'tr',
          {},
          h('td', { class: 'tight' }, stateChip(alarm)),
          h('td', { class: 'name' }, alarm.name),
          h('td', { class: 'wrap' }, alarm.description.split('\n')[0] ?? words(alarm.name)),
        ),
      ),
    ),
  );
}
