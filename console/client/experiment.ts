import type { ExperimentAnswer } from '../types.ts';
import { byId, changed, fillTable, h } from './dom.ts';
import { date, short, whole } from './format.ts';

type Report = NonNullable<ExperimentAnswer['report']>;

const HEADS = ['Variant', 'Exposed', 'Known', 'Waiting'];
/** What is good news, what needs a look, and what only has to go on. */
const CHIPS: Readonly<Record<Report['recommendation']['decision'], string>> = {
  promote: 'chip ok',
  invalid: 'chip bad',
  keep: 'chip quiet',
  wait: 'chip quiet',
};

const cell = (label: string, text: string) => h('td', { class: 'number', 'data-label': label }, text);
const inWords = ({ binary }: Report, value: number) => (binary ? `${short(100 * value)} %` : short(value));

function rowsOf(report: Report, head: string): HTMLElement[] {
  return report.arms.map(({ variant, exposed, known, waiting, mean }) =>
    h(
      'tr',
      {},
      h('td', { class: 'name' }, h('span', {}, variant)),
      ...[exposed, known, waiting].map((n, at) => cell(HEADS[at + 1]!, whole(n))),
      cell(head, mean === null ? '–' : inWords(report, mean)),
    ),
  );
}

function said(report: Report): HTMLElement[] {
  const { difference, sample_ratio, recommendation, alpha } = report;
  const interval = difference
    ? `Challenger less champion ${short(difference.value)}, ${short(100 * (1 - alpha))} % interval at every look ${short(difference.low)} to ${short(difference.high)}.`
    : 'Challenger less champion: nothing to judge by yet.';
  return [
    h(
      'p',
      {},
      h('span', { class: CHIPS[recommendation.decision] }, recommendation.decision),
      ` ${recommendation.reason}`,
    ),
    h('p', {}, interval),
    h('p', {}, `Sample ratio p ${short(sample_ratio.sequential_p)}, broken below ${short(sample_ratio.threshold)}.`),
  ];
}

/** Shows the experiment that runs; nothing where none does. */
export function showExperiment(answer: ExperimentAnswer | null): void {
  if (!changed('experiment', answer)) return;
  byId('experiment-section').hidden = answer === null;
  if (answer === null) return;
  const { name, started_at, metric, report } = answer;
  byId('experiment-name').textContent = `${name}, since ${date(started_at)}, judged by ${metric}`;
  const head = report?.binary ? 'Share' : 'Mean';
  fillTable('experiment', [...HEADS, head], report ? rowsOf(report, head) : [], 'It was not analysed yet.');
  byId('experiment-said').replaceChildren(...(report ? said(report) : []));
}
