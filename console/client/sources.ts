import type { SourceRow } from '../types.ts';
import { byId, changed, fillTable, h } from './dom.ts';
import { counted, whole } from './format.ts';

const HEADS = ['Source', 'By', 'Events', 'A minute', 'Lag', 'Refused', 'Ignored', 'Came again', 'Gaps', 'Drift'];

/** Numbers that are worth a look stand out where they are not 0. */
const cell = (n: number, bad = false) => h('td', { class: bad && n > 0 ? 'number bad' : 'number' }, whole(n));

function row(one: SourceRow): HTMLElement {
  const lag = one.lag_ms < 1000 ? `${whole(Math.round(one.lag_ms))} ms` : `${(one.lag_ms / 1000).toFixed(1)} s`;
  return h(
    'tr',
    {},
    h('td', { class: 'name' }, h('span', {}, one.source)),
    h('td', { class: 'by' }, one.service.replace('intake-', '')),
    cell(one.events),
    h('td', { class: 'number' }, one.per_minute === 0 ? '0' : one.per_minute.toFixed(1)),
    h('td', { class: 'number' }, lag),
    cell(one.refused, true),
    cell(one.ignored),
    cell(one.failed, true),
    cell(one.gaps, true),
    cell(one.drift, true),
  );
}

/** Shows what each source has sent; nothing where none has. */
export function showSources(sources: readonly SourceRow[]): void {
  if (!changed('sources', sources)) return;
  byId('sources-section').hidden = sources.length === 0;
  byId('source-count').textContent = counted(new Set(sources.map(({ source }) => source)).size, 'source');
  fillTable('sources', HEADS, sources.map(row), 'No source has sent anything yet.');
}
