/** What an experiment has come to, as lines for people. */
import { coverageOf, type ExperimentRecord } from '../../../names/experiments.ts';
import { objectKey } from '../../../names/lake.ts';
import { type ExperimentReport, experimentReport } from '../../../names/reports.ts';
import type { Clients } from '../../stage/connection.ts';
import { readLakeJson } from '../../stage/lake-json.ts';
import type { Resources } from '../../stage/resources.ts';

/** Columns of the line that shows an interval. */
const WIDTH = 61;

/** What the analysis wrote last; null: it has not run since the start. */
export async function readReport(
  { s3 }: Pick<Clients, 's3'>,
  resources: Resources,
  experiment: string,
): Promise<ExperimentReport | null> {
  try {
    const key = objectKey('experimentReport', { experiment });
    return experimentReport.parse(await readLakeJson(s3, resources.get('lakeBucket'), key));
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return null;
    throw error;
  }
}

/** Of the record. */
export function recordLines(record: ExperimentRecord): string[] {
  const { experiment, status, started_at, ended_at, coverage } = record;
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
  const { metric } = experiment;
  const judged =
    metric.kind === 'label'
      ? 'the label'
      : `${metric.as} of ${metric.feature} ${metric.after_ms / 86_400_000} days later`;
  return [
    `${experiment.name} is ${status}, since ${day(started_at)}${ended_at === null ? '' : ` until ${day(ended_at)}`} UTC`,
    `judged by ${judged}, which is to ${experiment.direction}; coverage ${percent(coverageOf(record))}${coverage.length > 1 ? ` (began at ${percent(coverage[0]!.coverage)})` : ''}`,
    `champion ${record.packages.champion}`,
    `challenger ${record.packages.challenger}`,
  ];
}

/** Of the analysis. */
export function reportLines(report: ExperimentReport): string[] {
  const { sample_ratio, multiple_exposure, description, hold_out, recommendation } = report;
  const value = (n: number) => (report.binary ? percent(n) : number(n));
  const rows = report.arms.map((arm) => [
    arm.variant,
    String(arm.exposed),
    String(arm.known),
    String(arm.waiting),
    String(arm.empty),
    arm.mean === null ? '' : value(arm.mean),
  ]);
  return [
    ...tableOf(['', 'exposed', 'known', 'waiting', 'no value', report.binary ? 'share' : 'mean'], rows),
    '',
    ...intervalLines(report),
    ...(hold_out
      ? [`told less held out: ${number(hold_out.value)} [${number(hold_out.low)}, ${number(hold_out.high)}]`]
      : []),
    `sample ratio: p ${number(sample_ratio.sequential_p)} at every look, ${number(sample_ratio.final_p)} at this one (broken below ${sample_ratio.threshold})`,
    `exposed to both variants: ${multiple_exposure.entities} (${percent(multiple_exposure.share)}, at most ${percent(multiple_exposure.limit)})`,
    ...(description
      ? [`as a description, and no reason to stop: better with a chance of ${percent(description.chance_better)}`]
      : []),
    '',
    `${recommendation.decision}: ${recommendation.reason}`,
  ];
}

function intervalLines({ difference, relative, alpha }: ExperimentReport): string[] {
  if (!difference) return ['challenger less champion: nothing to judge by yet'];
  const lift = relative
    ? `, ${percent(relative.value)} [${percent(relative.low)}, ${percent(relative.high)}] of it`
    : '';
  return [
    `challenger less champion: ${number(difference.value)} [${number(difference.low)}, ${number(difference.high)}]${lift}; holds at every look with ${percent(1 - alpha)}, p ${number(difference.p_value)}`,
    intervalLine(difference),
  ];
}

/** `[` and `]` are the ends, `o` the estimate, `|` zero: all on one scale. */
export function intervalLine({ value, low, high }: { value: number; low: number; high: number }): string {
  const [from, to] = [Math.min(low, 0), Math.max(high, 0)];
  const at = (n: number) => (to > from ? Math.round(((n - from) / (to - from)) * (WIDTH - 1)) : 0);
  const line = new Array<string>(WIDTH).fill(' ').fill('─', at(low), at(high) + 1);
  line[at(0)] = '|';
  line[at(low)] = '[';
  line[at(high)] = ']';
  line[at(value)] = 'o';
  return line.join('').trimEnd();
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

const number = (n: number) => String(Number(n.toPrecision(3)));
const percent = (n: number) => `${Number((100 * n).toPrecision(3))} %`;
