import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { DEFAULT_HOLD_OUT } from '../../../core/scores/policy.ts';
import { loadStage } from '../../../lib/config/stages.ts';
import { CliError } from '../../errors.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import { deployedUseCase } from '../../stage/deployed-use-case.ts';
import type { Watch } from '../../stage/jobs.ts';
import type { Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { listVersions, readServed } from '../model/models.ts';
import { costsOf } from './cost.ts';
import { figuresOf } from './figures.ts';
import { labelsOf } from './labels.ts';
import { reportPage } from './page.ts';
import { readRaised, readScoredWeek } from './read.ts';
import { dayOption, lastWeek, type Week, weekOf } from './week.ts';

interface ReportOptions extends Target {
  /** Absent or true: the last week that is over. */
  readonly week?: number | true;
  readonly out: string;
}

/** Adds `tidemark report`. */
export function addReport(root: Command): void {
  root
    .command('report')
    .description('a week of alerts as one HTML file: who was flagged and why, what became of them, what telling brings')
    .option('--week [day]', 'the week that this day is in (default: the last one that is over)', dayOption)
    .requiredOption('--out <file>', 'the HTML file to write')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((options: ReportOptions) => withStage(options, (stage) => report(stage, options)));
}

async function report(stage: OpenStage, { week, out }: ReportOptions): Promise<void> {
  const now = Date.now();
  const of = typeof week === 'number' ? weekOf(week) : lastWeek(now);
  const page = await stage.step('Read the week, and what became of those flagged (Glue)', (watch) =>
    weekReport(stage, of, now, watch),
  );
  const file = resolve(process.env.INIT_CWD ?? process.cwd(), out);
  writeFileSync(file, page);
  console.log(`The report: ${file}`);
}

/** @param now ms UTC. @throws CliError when the use case has no alerts */
async function weekReport(
  { clients, resources, target }: Pick<OpenStage, 'clients' | 'resources' | 'target'>,
  week: Week,
  now: number,
  watch: Watch = {},
): Promise<string> {
  resources.requireModel();
  const ir = await deployedUseCase(clients, resources);
  const { name, entity, label, alerts } = ir;
  if (!alerts || !label)
    throw new CliError(
      `${resources.deployment} has no alerts: its use case declares none, so there is nothing to report.`,
    );
  const config = loadStage(target.stage);
  const [raised, scored, versions, served] = await Promise.all([
    readRaised(clients.dynamodb, resources.get('scoresTable')),
    readScoredWeek(clients.s3, resources.get('lakeBucket'), week, alerts.threshold, config.clock === 'replay'),
    listVersions(clients.sagemaker, resources),
    readServed(clients.sagemaker, resources),
  ]);
  const labels = await labelsOf(
    clients,
    resources,
    raised.alerts.filter(({ t }) => t < week.to),
    watch,
  );
  const figures = figuresOf({ name, alerts }, raised, labels, week);
  return reportPage({
    ...{ use_case: name, stage: target.stage, entity, label: label.name, week, made_at: now, figures, scored },
    capacity_per_day: alerts.capacity_per_day ?? null,
    hold_out: alerts.hold_out ?? DEFAULT_HOLD_OUT,
    model: versions.find(({ version }) => version === served?.version) ?? null,
    costs: costsOf(scored, figures, config.endpoint),
  });
}
