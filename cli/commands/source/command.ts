import type { Command } from 'commander';
import { stageOption, useCaseOption } from '../../options.ts';
import type { Target } from '../../stage/resources.ts';
import { withStage } from '../../stage/stage.ts';
import { runImport } from './run.ts';

export function addSource(root: Command): void {
  const source = root.command('source').description('sources of the use case');
  source
    .command('run')
    .description('import what is new of the table of a source now; the first time all that is there, as history')
    .argument('<name>', 'name of the source')
    .option('--again', 'all rows, whatever was imported before; what is known is not sent again')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((name: string, options: Target & { again?: boolean }) =>
      withStage(options, (stage) => runImport(stage, name, options.again === true)),
    );
}
