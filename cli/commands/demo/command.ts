import type { Command } from 'commander';
import { definitionsOption, positive } from '../../options.ts';
import { type DemoOptions, runDemo } from './run.ts';
import { runSources } from './sources/run.ts';

export function addDemo(root: Command): void {
  root
    .command('demo')
    .description('deploy locally, load real history, train, replay the latest weeks, alert, and show a page')
    .option('--no-wait', 'stop everything at the end instead of serving the page until Ctrl-C')
    .option('--json <file>', 'write the summary as JSON')
    .option('--sources', 'instead: one event of every kind of source becomes a feature of the same customer')
    .option('--days <n>', 'days of live events to replay', positive)
    .addOption(definitionsOption())
    .action(demo);
}

/** Exit code 0 only when every stage did its work. */
async function demo({ sources, ...options }: DemoOptions & { readonly sources?: boolean }): Promise<void> {
  process.exitCode = sources ? await runSources(options) : await runDemo(options);
}
