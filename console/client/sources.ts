import type { SourceRow } from '../types.ts';
import { byId, changed, fillTable, h } from './dom.ts';
import { counted, whole } from './format.ts';

const HEADS = ['Source', 'By', 'Events', 'A minute', 'Lag', 'Refused', 'Ignored', 'Came again', 'Gaps', 'Drift'];

/** Numbers that are worth a look stand out where they are not 0; on a phone each says what it is. */
const cell = (place: number, text: string, bad = false) =>
  h('td', { class: bad ? 'number bad' : 'number', 'data-label': HEADS[place]! }, text);

const lagOf = (ms: number): string => {
  if (ms < 1000) return `${whole(Math.round(ms))} ms`;
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${whole(Math.round(ms / 60_000))} min`;
};

function row(one: SourceRow): HTMLElement {
  const counted = (place: number, n: number, bad = false) => cell(place, whole(n), bad && n > 0);
  return h(
    'tr',
    {},
    h('td', { class: 'name' }, h('span', {}, one.source)),
    h('td', { class: 'by' }, one.service.replace('intake-', '')),
    counted(2, one.events),
    cell(3, one.per_minute === 0 ? '0' : one.per_minute.toFixed(1)),
    cell(4, lagOf(one.lag_ms)),
    counted(5, one.refused, true),
    counted(6, one.ignored),
    counted(7, one.failed, true),
    counted(8, one.gaps, true),
    counted(9, one.drift, true),
  );
}

/** Shows what each source has sent; nothing where none has. */
export function showSources(sources: readonly SourceRow[]): void {
  if (!changed('sources', sources)) return;
  byId('sources-section').hidden = sources.length === 0;
  byId('source-count').textContent = counted(new Set(sources.map(({ source }) => source)).size, 'source');
  fillTable('sources', HEADS, sources.map(row), 'No source has sent anything yet.');
}
