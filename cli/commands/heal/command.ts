import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { HealingReport } from '../../../names/reports.ts';
import { CliError } from '../../errors.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import type { Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { healStates } from './heal.ts';

interface HealOptions extends Target {
  readonly repair?: boolean;
  readonly repairAll?: boolean;
  readonly json?: string;
}

export function addHeal(root: Command): void {
  root
    .command('heal')
    .description('compare online states with what their events give; exit code 1 when some differ for no known cause')
    .option('--repair', 'write those at odds anew, as every night')
    .option('--repair-all', 'also where so many differ that the job mistrusts itself')
    .option('--json <file>', 'write the report as JSON')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((options: HealOptions) => withStage(options, (stage) => heal(stage, options)));
}

/** Exit code 1 when states differ for no known cause, whether they were repaired or not. */
async function heal(stage: OpenStage, { repair, repairAll, json }: HealOptions): Promise<void> {
  const mode = repairAll ? 'all' : repair ? 'yes' : 'no';
  const report = await stage.step('Compare states with their events (Glue)', (watch) =>
    healStates(stage.clients, stage.resources, mode, watch),
  );
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  console.log(healingTable(report));
  const diverged = report.views.reduce((sum, { findings }) => sum + (findings.diverged ?? 0), 0);
  if (diverged > 0)
    throw new CliError(
      `${diverged} states differ from their events for no known cause; runbook: docs/runbook.md#healing-diverged`,
    );
}

/** One block per view: one line per finding, then what was done. */
export function healingTable({ repair, views }: HealingReport): string {
  return views
    .map((view) => {
      if (view.skipped !== undefined) return `${view.view}: not looked at (${view.skipped})`;
      const { repaired, raced, erased, held } = view;
      const done = Object.entries({ repaired, raced, erased, held }).filter(
        ([name, n]) => n > 0 || name === 'repaired',
      );
      const rows = [...Object.entries(view.findings), ...(repair === 'no' ? [] : done)];
      const width = Math.max(...rows.map(([name]) => name.length));
      const lines = rows.map(([name, n]) => `  ${name.padEnd(width)}  ${String(n).padStart(8)}`.trimEnd());
      return [`${view.view}: ${view.checked} states in ${view.seconds} s`, ...lines].join('\n');
    })
    .join('\n');
}
