/** docs/reference/alarms.md: every alarm, as the stacks make it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Stack } from 'aws-cdk-lib';
import { CfnAlarm, CfnCompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { buildTidemark } from '../../lib/app.ts';
import { loadStage } from '../../lib/config/stages.ts';
import { code, page, table } from './markdown.ts';

const CDK_JSON = fileURLToPath(new URL('../../cdk.json', import.meta.url));
const STAGES = ['prod', 'dev', 'local'] as const;
const USE_CASE = 'churn';
const COMPARED: Readonly<Record<string, string>> = {
  GreaterThanOrEqualToThreshold: '≥',
  GreaterThanThreshold: '>',
  LessThanThreshold: '<',
  LessThanOrEqualToThreshold: '≤',
};

export interface AlarmEntry {
  readonly name: string;
  readonly severity: string;
  readonly sentence: string;
  /** Anchor of docs/runbook.md. */
  readonly runbook: string;
  readonly condition: string;
}

/** The alarms of a stage that tell somebody. Nothing is bundled, and no template is written. */
async function alarmsOf(stage: (typeof STAGES)[number]): Promise<AlarmEntry[]> {
  const outdir = mkdtempSync(join(tmpdir(), 'tidemark-docs-'));
  try {
    const { context } = JSON.parse(readFileSync(CDK_JSON, 'utf8')) as { context: object };
    const app = new App({ outdir, context: { ...context, 'aws:cdk:bundling-stacks': [] }, analyticsReporting: false });
    await buildTidemark(app, { stage: loadStage(stage), useCase: USE_CASE, region: 'eu-west-1' });
    return app.node
      .findAll()
      .filter((one) => one instanceof CfnAlarm || one instanceof CfnCompositeAlarm)
      .flatMap((alarm) => entryOf(alarm, `${stage}/${USE_CASE}/`) ?? []);
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** Nothing of an alarm that is part of another one. */
function entryOf(alarm: CfnAlarm | CfnCompositeAlarm, prefix: string): AlarmEntry | undefined {
  const resolve = (value: unknown) => Stack.of(alarm).resolve(value) as string;
  const text = resolve(alarm.alarmDescription);
  if (text.startsWith('Part of ')) return undefined;
  const [, severity, sentence, runbook] =
    /^(CRITICAL|WARNING): (.+)\nRunbook: docs\/runbook\.md#([a-z-]+)/.exec(text) ?? [];
  const name = resolve(alarm.alarmName);
  if (!severity || !sentence || !runbook || !name.startsWith(prefix))
    throw new Error(`${name}: found no severity, sentence and article`);
  const condition = alarm instanceof CfnAlarm ? conditionOf(alarm, resolve) : 'while all of its parts do';
  return { name: name.slice(prefix.length), severity: severity.toLowerCase(), sentence, runbook, condition };
}

function conditionOf(alarm: CfnAlarm, resolve: (value: unknown) => string): string {
  const { threshold, evaluationPeriods, datapointsToAlarm = evaluationPeriods, comparisonOperator } = alarm;
  const metrics = resolve(alarm.metrics) as unknown as
    | { metricStat?: { metric: { metricName: string }; period: number }; expression?: string; period?: number }[]
    | undefined;
  const names = metrics?.flatMap(({ metricStat }) => metricStat?.metric.metricName ?? []);
  const watched = names ? [...new Set(names)].join(', ') : resolve(alarm.metricName);
  const period =
    alarm.period ??
    metrics?.find(({ metricStat }) => metricStat)?.metricStat?.period ??
    metrics?.find(({ period }) => period)?.period;
  if (period === undefined) throw new Error(`${resolve(alarm.alarmName)}: found no period`);
  const statistic = alarm.extendedStatistic ?? alarm.statistic;
  const every = durationOf(period);
  const periods = evaluationPeriods === 1 ? every : `${datapointsToAlarm} of ${evaluationPeriods} × ${every}`;
  const what = `${watched}${names ? ' (computed)' : `, ${statistic}`}`;
  return `${what} ${COMPARED[comparisonOperator ?? ''] ?? comparisonOperator} ${threshold?.toLocaleString('en')} in ${periods}`;
}

function durationOf(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

export async function alarmsPage(): Promise<string> {
  const all = new Map<string, { entry: AlarmEntry; stages: string[] }>();
  for (const stage of STAGES)
    for (const entry of await alarmsOf(stage)) {
      const known = all.get(entry.name) ?? { entry, stages: [] };
      known.stages.push(stage);
      all.set(entry.name, known);
    }
  const rows = (severity: string) =>
    [...all.values()]
      .filter(({ entry }) => entry.severity === severity)
      .sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1))
      .map(({ entry, stages }) => [
        code(entry.name),
        entry.sentence,
        entry.condition,
        stages.length === STAGES.length ? 'all' : stages.join(', '),
        `[${entry.runbook}](../runbook.md#${entry.runbook})`,
      ]);
  const head = ['alarm', 'what it says', 'rings at', 'stages', 'article'];
  return page(
    'Alarms',
    ['the stacks in lib/'],
    [
      `An alarm is called \`<stage>/<use case>/<name>\`, tells the stage's topic when it starts and when it is over, and its text ends with its article of [the runbook](../runbook.md).\nHere are the ${all.size} of use case \`${USE_CASE}\`; numbers are those of \`prod\` where it has the alarm, and come from [its settings](settings.md#alarms).`,
      '## Critical',
      'Data or alerts are being lost or late: act now.',
      table(head, rows('critical')),
      '## Warning',
      'Look at it today.',
      table(head, rows('warning')),
    ],
  );
}
