import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { parseUseCase } from '../../../core/definition/usecase.ts';
import type { UseCaseIR } from '../../../core/ir/document.ts';
import { loadStage } from '../../../lib/config/stages.ts';
import { Progress } from '../../../setup/progress.mjs';
import { confirm, requirePerson } from '../../confirmation.ts';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { interruption } from '../../stage/interruption.ts';
import { deployed, flagsOf, type ResourceName, type Resources, type Target } from '../../stage/resources.ts';
import { restoreFeatures } from './features.ts';
import { restoreScores } from './scores.ts';

interface RestoreOptions extends Target {
  readonly from?: string;
  readonly yes?: boolean;
}

/** `tidemark restore features`: states from the lake, with nobody in them who was erased. */
export async function restoreFeaturesTable(options: RestoreOptions): Promise<void> {
  const title = 'Make the states anew from the lake';
  await restore(options, 'featuresTable', title, 'What is in the table now goes.', async (given) => {
    const { tombstones, cleared } = await restoreFeatures(given.clients, given.resources, given.usecase, given.watch);
    return `${tombstones} tombstones put back, ${cleared} items cleared; the stream is read on. Next: npx tidemark heal ${flagsOf(options)}`;
  });
}

/** `tidemark restore scores`: last scores and what was alerted, so that nobody is alerted twice. */
export async function restoreScoresTable(options: RestoreOptions): Promise<void> {
  const title = 'Make the scores anew from the predictions';
  const goes = 'Scores in the table that are older than the last prediction go.';
  await restore(options, 'scoresTable', title, goes, async ({ clients, resources, usecase, watch }) => {
    const { tombstones, copied, folded } = await restoreScores(
      clients,
      resources,
      usecase.alerts!,
      options.from,
      loadStage(options.stage).retention.scoresDays,
      watch,
    );
    return `${folded} scores made from predictions, ${copied} items copied, ${tombstones} tombstones put back; scoring goes on.`;
  });
}

interface Given {
  readonly clients: Clients;
  readonly resources: Resources;
  readonly usecase: UseCaseIR;
  readonly watch: { readonly signal: AbortSignal; readonly onState: (state: string) => void };
}

async function restore(
  { yes, ...target }: RestoreOptions,
  table: ResourceName,
  title: string,
  goes: string,
  work: (given: Given) => Promise<string>,
): Promise<void> {
  if (!yes) requirePerson();
  const { clients, resources } = await deployed(target);
  await requireTable(clients, resources, table, flagsOf(target));
  const usecase = await deployedUseCase(clients, resources);
  if (table === 'scoresTable' && !usecase.alerts)
    throw new CliError('The use case has no alerts, so nobody can be alerted twice: there is nothing to restore.');
  if (!yes) await confirm(`${title} of ${resources.deployment}? ${goes}`, 'restore', 'Nothing was changed.');
  const stop = interruption();
  try {
    const done = await new Progress().step(title, (step) =>
      work({ clients, resources, usecase, watch: { signal: stop.signal, onState: step.update } }),
    );
    console.log(done);
  } catch (error) {
    console.error('It did not end: its functions stay paused until it is run again.');
    throw error;
  } finally {
    stop.release();
  }
}

/** A table that is gone comes back, under its name, by the stack that owns it: docs/adr/0022. */
async function requireTable(clients: Clients, resources: Resources, name: ResourceName, flags: string): Promise<void> {
  try {
    await clients.dynamodb.send(new DescribeTableCommand({ TableName: resources.get(name) }));
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    throw new CliError(
      `The table ${resources.get(name)} is not there: bring it back first (docs/runbook.md#table-lost), then run this again with ${flags}.`,
    );
  }
}

/** The compiled use case that the jobs read: what is deployed, whatever stands in this folder. */
async function deployedUseCase({ s3 }: Clients, resources: Resources): Promise<UseCaseIR> {
  const { hostname, pathname } = new URL(resources.get('useCase'));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: hostname, Key: pathname.slice(1) }));
  return parseUseCase(JSON.parse((await Body?.transformToString()) ?? 'null'));
}
