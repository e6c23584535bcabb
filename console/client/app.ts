import type { DashboardAnswer, PipelineAnswer, ScoresAnswer } from '../types.ts';
import { showAlarms } from './alarms.ts';
import { byId } from './dom.ts';
import { showExperiment } from './experiment.ts';
import { time } from './format.ts';
import { showPipeline } from './pipeline.ts';
import { showSources } from './sources.ts';
import { showScores } from './tables.ts';
import { onThemeChange } from './theme.ts';
import { showDashboard } from './widgets.ts';

const EVERY_MS = 5_000;

const range = byId('range') as HTMLSelectElement;
const asked = new URLSearchParams(location.search).get('minutes');
if ([...range.options].some(({ value }) => value === asked)) range.value = asked!;

async function ask<T>(path: string): Promise<T> {
  const response = await fetch(path, { headers: { accept: 'application/json' } }).catch(() => {
    throw new Error('The command that serves this page has ended, or does not answer: start it again.');
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error((answer as { problem?: string }).problem ?? `${path} answered ${response.status}`);
  return answer as T;
}

async function refresh(): Promise<void> {
  const problem = byId('problem');
  const parts = await Promise.allSettled([
    ask<PipelineAnswer>('/api/pipeline').then((answer) => {
      showPipeline(answer);
      showSources(answer.sources);
      showExperiment(answer.experiment);
    }),
    ask<ScoresAnswer | null>('/api/scores').then(showScores),
    ask<DashboardAnswer>(`/api/dashboard?minutes=${encodeURIComponent(range.value)}`).then((answer) => {
      showDashboard(answer);
      showAlarms(answer.alarms, answer.to);
      byId('fresh').textContent = `as of ${time(answer.to)} UTC`;
    }),
  ]);
  const failed = parts.flatMap((part) => (part.status === 'rejected' ? [String((part.reason as Error).message)] : []));
  problem.hidden = failed.length === 0;
  problem.textContent = [...new Set(failed)].join(' · ');
  if (failed.length === 0) document.body.dataset.ready = 'true';
}

async function loop(): Promise<void> {
  // A tab nobody looks at asks nothing.
  if (!document.hidden) await refresh();
  setTimeout(loop, EVERY_MS);
}

range.addEventListener('change', () => void refresh());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refresh();
});
onThemeChange(() => void refresh());
void loop();
