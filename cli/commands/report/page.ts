/** The report as one HTML file, which asks nobody for anything. */
import { DAY } from '../../../core/values/time.ts';
import type { Costs } from './cost.ts';
import type { Comparison, FlaggedRow, WeekFigures } from './figures.ts';
import { Html, html, table } from './html.ts';
import type { ScoredWeek } from './read.ts';
import { STYLE } from './style.ts';
import type { Week } from './week.ts';

export interface ReportParts {
  readonly use_case: string;
  readonly stage: string;
  /** What an entity is called, and what is predicted of it. */
  readonly entity: string;
  readonly label: string;
  readonly week: Week;
  /** ms UTC. */
  readonly made_at: number;
  /** Null where alerts have none. */
  readonly capacity_per_day: number | null;
  readonly hold_out: number;
  readonly figures: WeekFigures;
  readonly scored: ScoredWeek;
  readonly model: { readonly version: number; readonly metadata: Readonly<Record<string, string>> } | null;
  readonly costs: Costs;
}

/** Of a week, in words. */
const FATES: Readonly<Record<string, string>> = {
  told: 'told',
  waiting: 'waits for its turn',
  hold_out: 'left alone by chance (hold-out)',
  capacity: 'the day was full (capacity)',
  quiet_hours: 'it was night for too long (quiet hours)',
  value: 'would cost more than it brings (value)',
  recovered: 'recovered before its turn',
  guard: 'the model was in doubt (guard)',
};
const SAID: Readonly<Record<string, string>> = { reached: 'reached', saved: 'saved', wrong: 'not at risk' };
/** Of what the gate wrote, in this order; the rest stands in the registry. */
const HEALTH = ['auc', 'average_precision', 'brier', 'calibration_error', 'baseline_auc', 'auc_gain_low'];
/** Rows in the page: a file is for reading. */
const MOST_ROWS = 500;

const day = (at: number) => new Date(at).toISOString().slice(0, 10);
const minute = (at: number) => new Date(at).toISOString().slice(0, 16).replace('T', ' ');
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const signed = (share: number) => `${share < 0 ? '−' : '+'}${(Math.abs(share) * 100).toFixed(1)}`;
const dollars = (usd: number) => `$${usd < 0.01 && usd > 0 ? usd.toFixed(4) : usd.toFixed(2)}`;

export function reportPage(parts: ReportParts): string {
  const { use_case, stage, week, made_at } = parts;
  const title = `${use_case}: week of ${day(week.from)}`;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${title}</title><style>${new Html(STYLE)}</style></head>
<body><main><header><h1>${title}</h1>
<p>${day(week.from)} to ${day(week.to - DAY)}, UTC · stage ${stage} · made ${minute(made_at)} UTC</p></header>
${summary(parts)}${flagged(parts)}${held(parts)}${suppressed(parts)}${health(parts)}${cost(parts.costs)}
</main></body></html>
`;
  return page.text;
}

const section = (id: string, title: string, ...body: readonly Html[]) =>
  html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${body}</section>\n`;

function tile(figure: string | number, word: string): Html {
  return html`<div class="tile"><b>${typeof figure === 'number' ? figure.toLocaleString('en') : figure}</b><span>${word}</span></div>`;
}

function summary({ figures, scored, entity, hold_out, capacity_per_day }: ReportParts): Html {
  const { fates, found_by, rows, outcomes } = figures;
  const capacity = capacity_per_day === null ? 'no daily capacity' : `at most ${capacity_per_day} alerts a day`;
  return html`<div class="tiles">${[
    tile(scored.entities, `${entity}s scored`),
    tile(rows.length, 'alerts raised'),
    tile(fates.told ?? 0, 'told'),
    tile(outcomes.saved, 'saved, by those who called'),
    tile(found_by.event, 'found by an event'),
    tile(found_by.silence, 'found only by silence'),
  ]}</div><p>Of ${rows.length.toLocaleString('en')} alerts ${(fates.told ?? 0).toLocaleString('en')} were told; ${percent(hold_out)} of ${entity}s are left alone by chance, with ${capacity}.</p>`;
}

function flagged({ figures: { rows, outcomes }, entity, label }: ReportParts): Html {
  if (rows.length === 0)
    return section('flagged', 'Who was flagged', html`<p>Nobody: no score rose above the threshold.</p>`);
  const shown = [...rows].sort((a, b) => b.alert.score - a.alert.score).slice(0, MOST_ROWS);
  const head = [entity, 'score', 'when (UTC)', 'by', 'why', 'what was done', 'said', label];
  const said = `Of those told, people said of ${outcomes.reached} that they were reached, of ${outcomes.saved} that they were saved, of ${outcomes.wrong} that they were not at risk, and nothing yet of ${outcomes.unsaid}.`;
  const more = rows.length > shown.length ? ` The ${shown.length} highest scores of ${rows.length} are shown.` : '';
  return section(
    'flagged',
    'Who was flagged, why, and what became of them',
    html`<p>${said}${more}</p>`,
    table(head, shown.map(row)),
  );
}

function row({ alert, fate, outcome, label }: FlaggedRow) {
  return [
    html`<code>${alert.entity_id}</code>`,
    alert.score.toFixed(2),
    minute(alert.t),
    alert.trigger === 'sweep' ? 'silence' : alert.trigger,
    alert.reasons.join('; '),
    FATES[fate] ?? fate,
    outcome === undefined ? '' : `${SAID[outcome.outcome]} (${outcome.said_by}, ${minute(outcome.said_at)})`,
    label === undefined ? 'not known yet' : label ? 'yes' : 'no',
  ];
}

function held({ figures: { comparison }, entity, label }: ReportParts): Html {
  const { told, held_out, awaiting } = comparison;
  const line = (name: string, { hits, of }: Comparison['told']) => [name, of, hits, of === 0 ? '' : percent(hits / of)];
  return section(
    'held',
    'Told against left alone',
    html`<p>${verdict(comparison)} ${awaiting.toLocaleString('en')} ${entity}s of both groups wait for their label.</p>`,
    table(['group', 'with a label', label, 'share'], [line('told', told), line('left alone by chance', held_out)]),
    html`<p class="note">Each ${entity} once, at the first alert of those raised before the end of the week. 95 % interval of the difference by Newcombe (1998, method 10), for one look: whoever looks every week and stops at a difference they like is wrong more often than in 5 %.</p>`,
  );
}

function verdict({ difference: found, told, held_out }: Comparison): string {
  if (found === null)
    return `There is nothing to compare yet: ${told.of} told and ${held_out.of} left alone have a label.`;
  const { by, low, high } = found;
  const interval = `${signed(by)} points (${signed(low)} to ${signed(high)})`;
  if (high < 0) return `Telling lowered the share by ${interval}.`;
  if (low > 0) return `Telling raised the share by ${interval}.`;
  return `The shares differ by ${interval}: no difference can be told from chance.`;
}

function suppressed({ figures: { fates } }: ReportParts): Html {
  const rules = Object.entries(fates).sort(([, a], [, b]) => b - a);
  if (rules.length === 0) return html``;
  return section(
    'fates',
    'What was done, by rule',
    table(
      ['what', 'alerts'],
      rules.map(([fate, count]) => [FATES[fate] ?? fate, count]),
    ),
  );
}

function health({ scored, model, week }: ReportParts): Html {
  const metrics = HEALTH.flatMap((name) => (model?.metadata[name] === undefined ? [] : [[name, model.metadata[name]]]));
  const versions = Object.entries(scored.by_version).map(([version, count]) => [version, count]);
  return section(
    'health',
    'The model',
    html`<p>${model === null ? 'No model serves.' : `Version ${model.version} serves.`} ${scored.predictions.toLocaleString('en')} scores in the week; the figures below are those of its gate, on days it had not seen.</p>`,
    metrics.length === 0 ? html`` : table(['measure', 'value'], metrics),
    chart(scored, week),
    html`<div class="pair">${[
      table(['model version', 'scores'], versions),
      table(
        ['scored', 'scores'],
        Object.entries(scored.by_trigger).map(([trigger, count]) => [
          trigger === 'sweep' ? 'after silence' : trigger,
          count,
        ]),
      ),
    ]}</div>`,
  );
}

/** Share of scores above the threshold, day by day. */
function chart({ days }: ScoredWeek, { from }: Week): Html {
  const shares = days.map(({ scored, above }) => (scored === 0 ? 0 : above / scored));
  const most = Math.max(...shares, 1e-9);
  const bars = shares.map((share, i) => {
    const height = Math.round((share / most) * 80);
    const x = i * 100 + 10;
    return html`<rect x="${x}" y="${100 - height}" width="80" height="${height}"/><text x="${x + 40}" y="${94 - height}">${percent(share)}</text><text x="${x + 40}" y="118">${day(from + i * DAY).slice(5)}</text>`;
  });
  return html`<figure><svg viewBox="0 0 700 126" role="img" aria-label="Share of scores above the threshold, by day: ${shares.map(percent).join(', ')}">${bars}</svg><figcaption>Share of scores above the threshold</figcaption></figure>`;
}

function cost({ lines, region, as_of }: Costs): Html {
  const known = lines.reduce((sum, { usd }) => sum + (usd ?? 0), 0);
  const rows = lines.map(({ what, count, usd }) => [what, count, usd === null ? 'no price here' : dollars(usd)]);
  return section(
    'cost',
    'What it costs',
    table(['what', 'count', 'USD'], [...rows, ['together', '', dollars(known)]]),
    html`<p class="note">Counts of this week times list prices of ${region} as of ${as_of}: an estimate of the scoring and the alerts, without stream, storage and jobs, and no bill.</p>`,
  );
}
