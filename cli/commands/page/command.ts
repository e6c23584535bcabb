import { join } from 'node:path';
import { awsPageData } from '../../../console/data.ts';
import { type Page, startPage } from '../../../console/server.ts';
import type { UseCaseIR } from '../../../core/ir/document.ts';
import { hasModel } from '../../../core/ir/parts.ts';
import { DAY } from '../../../core/values/time.ts';
import { loadUseCase } from '../../../lib/config/use-case.ts';
import { RUNS } from '../../paths.ts';
import type { Clients } from '../../stage/connection.ts';
import { interruption } from '../../stage/interruption.ts';
import { definitionsFolder, deployed, type Resources, type Target } from '../../stage/resources.ts';

const TWO_WEEKS_MS = 14 * DAY;

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
          endpointName: resources.get('endpoint'),
          modelPackageGroup: resources.get('modelPackageGroup'),
          alertThreshold: ir.alerts?.threshold ?? null,
        }
      : null,
    since: Math.max(resources.created, Date.now() - TWO_WEEKS_MS),
    cloudwatch: clients.cloudwatch,
    dynamodb: clients.dynamodb,
    kinesis: clients.kinesis,
    sagemaker: clients.sagemaker,
  });
  return startPage(data, port);
}

/** `tidemark page`: serves until Ctrl-C. */
export async function page({ stage, port, usecase }: Target & { port: number }): Promise<void> {
  const { clients, resources } = await deployed({ stage, usecase });
  const { ir } = await loadUseCase(definitionsFolder(resources, usecase), join(RUNS, 'usecase'));
  const stop = interruption();
  const open = await openPage(clients, resources, ir, port);
  console.log(`The page: ${open.url} (Ctrl-C ends it)`);
  await stop.requested;
  await open.close();
  stop.release();
}
