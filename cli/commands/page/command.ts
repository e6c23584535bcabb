import { join } from 'node:path';
import type { Command } from 'commander';
import { awsPageData } from '../../../console/data.ts';
import { type Page, startPage } from '../../../console/server.ts';
import type { UseCaseIR } from '../../../core/ir/document.ts';
import { hasModel } from '../../../core/ir/parts.ts';
import { DAY } from '../../../core/values/time.ts';
import { loadUseCase } from '../../../lib/config/use-case.ts';
import { port, stageOption, useCaseOption } from '../../options.ts';
import { RUNS } from '../../paths.ts';
import type { Clients } from '../../stage/connection.ts';
import { definitionsFolder, type Resources, type Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';

const TWO_WEEKS_MS = 14 * DAY;

interface PageOptions extends Target {
  readonly port: number;
}

export function addPage(root: Command): void {
  root
    .command('page')
    .description('serve the dashboard, scores and alerts on a local page')
    .option('--port <port>', 'port on 127.0.0.1; 0: a free one', port, 0)
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((options: PageOptions) => withStage(options, (stage) => serve(stage, options)));
}

/** The page over what is deployed. @param port 0 takes a free one */
export function openPage(clients: Clients, resources: Resources, ir: UseCaseIR, port = 0): Promise<Page> {
  const data = awsPageData({
    stage: resources.stage,
    useCase: ir.name,
    dashboardName: resources.get('dashboard'),
    streamName: resources.get('stream'),
    model: hasModel(ir)
      ? {
          scoresTable: resources.get('scoresTable'),
          lakeBucket: resources.get('lakeBucket'),
          // Where functions load the model themselves there is none of this name.
          endpointName: resources.find('endpoint') ?? resources.deployment,
          modelPackageGroup: resources.get('modelPackageGroup'),
          alertThreshold: ir.alerts?.threshold ?? null,
        }
      : null,
    since: Math.max(resources.created, Date.now() - TWO_WEEKS_MS),
    cloudwatch: clients.cloudwatch,
    dynamodb: clients.dynamodb,
    kinesis: clients.kinesis,
    s3: clients.s3,
    sagemaker: clients.sagemaker,
  });
  return startPage(data, port);
}

/** Serves until Ctrl-C. */
async function serve(stage: OpenStage, { port, usecase }: PageOptions): Promise<void> {
  const { clients, resources } = stage;
  const { ir } = await loadUseCase(definitionsFolder(resources, usecase), join(RUNS, 'usecase'));
  const { requested } = stage.hold();
  const open = await openPage(clients, resources, ir, port);
  console.log(`The page: ${open.url} (Ctrl-C ends it)`);
  await requested;
  await open.close();
}
