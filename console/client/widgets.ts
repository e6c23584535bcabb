import type { DashboardAnswer, Widget } from '../types.ts';
import { drawn, drawSeries, forgetDetached, pointCount, scaleOf } from './charts.ts';
import { byId, h } from './dom.ts';
import { scaled, time, words } from './format.ts';

/** CloudWatch's grid: 24 columns; a row of the grid in pixels. */
const ROW_PX = 46;

type Chart = Extract<Widget, { kind: 'chart' }>;

let layout = '';

/** A CloudWatch text widget is Markdown; headings and paragraphs are enough of it here, as plain text. */
function textWidget(markdown: string): HTMLElement[] {
  const lines = markdown.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const heading = line.match(/^#+\s+(.*)/);
    const plain = (heading?.[1] ?? line).replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').replace(/[*_`]{1,3}/g, '');
    return heading ? h('h3', {}, plain) : h('p', {}, plain);
  });
}

function singleValues(widget: Chart): HTMLElement {
  const scale = scaleOf(widget);
  return h(
    'div',
    { class: 'singles' },
    ...widget.series.map((series) => {
      const last = series.points.at(-1);
      return h('div', {}, h('b', {}, last ? scaled(last[1], scale) : '–'), h('span', {}, words(series.label)));
    }),
  );
}

function legend(widget: Chart): HTMLElement {
  return h(
    'ul',
    { class: 'legend' },
    ...drawn(widget).map(({ color, label }) => {
      const swatch = h('i', { 'aria-hidden': 'true' });
      swatch.style.background = color;
      return h('li', {}, swatch, words(label));
    }),
  );
}

/** What the picture says, in words: the newest value of each series. */
function spoken(widget: Chart): string {
  const scale = scaleOf(widget);
  const values = drawn(widget).map(({ label, points }) => `${words(label)} ${scaled(points.at(-1)?.[1] ?? 0, scale)}`);
  return `${widget.title}, newest values: ${values.join(', ')}`;
}

/** What the page shows above already: all alarms, and the dashboard's own name. */
function isShownAbove(widget: Widget): boolean {
  return widget.kind === 'alarms' || (widget.kind === 'text' && /^#\s[^\n]*$/.test(widget.markdown.trim()));
}

/** @param rows those that are in use, in order: no hole is left where a widget is left out */
function panel(widget: Widget, rows: readonly number[]): HTMLElement {
  const frame = widget.kind === 'text' ? '' : 'panel ';
  const box = h(
    'div',
    { class: `${frame}widget`, 'data-kind': widget.kind },
    widget.title === '' ? null : h('h4', {}, widget.title),
    h('div', { class: 'body' }),
  );
  box.style.gridColumn = `${widget.x + 1} / span ${widget.width}`;
  box.style.gridRow = `${rows.indexOf(widget.y) + 1} / span ${widget.height}`;
  const body = box.querySelector('.body');
  if (widget.kind === 'text') body?.append(...textWidget(widget.markdown));
  if (widget.kind === 'unsupported')
    body?.append(h('p', { class: 'empty' }, `A ${widget.type} widget: look at it in the CloudWatch console.`));
  return box;
}

function empty(widget: Chart, { from, to }: DashboardAnswer): HTMLElement {
  const problem = widget.series.find((series) => series.problem)?.problem;
  const text = problem ? `No data: ${problem}.` : `No data from ${time(from)} to ${time(to)} UTC.`;
  return h('p', { class: 'empty' }, text);
}

function fill(box: HTMLElement, widget: Chart, answer: DashboardAnswer): void {
  const body = box.querySelector<HTMLElement>('.body');
  if (!body) return;
  const points = pointCount(widget.series);
  box.dataset.points = String(points);
  if (widget.view === 'singleValue' || points === 0) {
    body.replaceChildren(points === 0 ? empty(widget, answer) : singleValues(widget));
    return;
  }
  let canvas = body.querySelector<HTMLElement>('.chart');
  if (!canvas) {
    canvas = h('div', { class: 'chart', role: 'img' });
    body.replaceChildren(canvas);
  }
  canvas.setAttribute('aria-label', spoken(widget));
  // Before the drawing: the chart takes the room that the legend leaves.
  body.querySelector('.legend')?.remove();
  body.append(legend(widget));
  drawSeries(canvas, widget, answer.from, answer.to);
}

/** Shows the dashboard. The panels stay while its layout stays, so that charts are updated and not rebuilt. */
export function showDashboard(answer: DashboardAnswer): void {
  byId('dashboard-name').textContent =
    `${answer.name} · one point = ${answer.period} s · ${time(answer.from)}–${time(answer.to)} UTC`;
  const grid = byId('dashboard');
  const widgets = answer.widgets.filter((widget) => !isShownAbove(widget));
  const now = JSON.stringify(widgets.map(({ kind, x, y, width, height, title }) => [kind, x, y, width, height, title]));
  if (now !== layout) {
    const used = widgets.flatMap(({ y, height }) => Array.from({ length: height }, (_, row) => y + row));
    const rows = [...new Set(used)].sort((a, b) => a - b);
    grid.style.gridAutoRows = `${ROW_PX}px`;
    grid.replaceChildren(...widgets.map((widget) => panel(widget, rows)));
    layout = now;
  }
  for (const [index, widget] of widgets.entries())
    if (widget.kind === 'chart') fill(grid.children[index] as HTMLElement, widget, answer);
  forgetDetached();
}
