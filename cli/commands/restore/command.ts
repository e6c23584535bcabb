import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import type { Command } from 'commander';
import type { UseCaseIR } from '../../../core/ir/document.ts';
import { loadStage } from '../../../lib/config/stages.ts';
import type { OutputName } from '../../../names/outputs.ts';
import { confirm, requirePerson } from '../../confirmation.ts';
import { CliError } from '../../errors.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import type { Clients } from '../../stage/connection.ts';
import { deployedUseCase } from '../../stage/deployed-use-case.ts';
import type { Watch } from '../../stage/jobs.ts';
import { flagsOf, type Resources, type Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { restoreFeatures } from './features.ts';
import { restoreScores } from './scores.ts';

interface RestoreOptions extends Target {
  readonly from?: string;
  readonly yes?: boolean;
}

export function addRestore(root: Command): void {
  const restore = root.command('restore').description('make a table anew that was lost or spoilt (docs/runbook.md)');
  restore
    .command('features')
    .description('states from the lake: tombstones first, then the past, the fence last; the stream waits meanwhile')
    .option('--yes', 'do not ask')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(restoreFeaturesTable);
  restore
    .command('scores')
    .description('last scores and alerts from the predictions of the lake, so that nobody is alerted twice')
    .option('--from <table>', 'also copy what is missing from a table that was restored from a point in time')
    .option('--yes', 'do not ask')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(restoreScoresTable);
}

/** States from the lake, with nobody in them who was erased. */
async function restoreFeaturesTable(options: RestoreOptions): Promise<void> {
  const title = 'Make the states anew from the lake';
  const goes = 'What is in the table now goes.';
  await restore(options, { table: 'featuresTable', title, goes }, async ({ clients, resources }, usecase, watch) => {
    const { tombstones, cleared } = await restoreFeatures(clients, resources, usecase, watch);
    return `${tombstones} tombstones put back, ${cleared} items cleared; the stream is read on. Next: npx tidemark heal ${flagsOf(options)}`;
  });
}

/** Last scores and what was alerted, so that nobody is alerted twice. */
async function restoreScoresTable(options: RestoreOptions): Promise<void> {
  const title = 'Make the scores anew from the predictions';
  const goes = 'Scores in the table that are older than the last prediction go.';
  await restore(options, { table: 'scoresTable', title, goes }, async ({ clients, resources }, usecase, watch) => {
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

interface Question {
  readonly table: OutputName;
  readonly title: string;
  /** What is lost by it. */
  readonly goes: string;
}

/** @returns what was done */
type Work = (stage: OpenStage, usecase: UseCaseIR, watch: Watch) => Promise<string>;

async function restore({ yes = false, ...target }: RestoreOptions, question: Question, work: Work): Promise<void> {
  if (!yes) requirePerson();
  await withStage(target, (stage) => askAndRestore(stage, yes, question, work));
}

async function askAndRestore(stage: OpenStage, yes: boolean, { table, title, goes }: Question, work: Work) {
  const { clients, resources, target } = stage;
  await requireTable(clients, resources, table, flagsOf(target));
  const usecase = await deployedUseCase(clients, resources);
  if (table === 'scoresTable' && !usecase.alerts)
    throw new CliError('The use case has no alerts, so nobody can be alerted twice: there is nothing to restore.');
  if (!yes) await confirm(`${title} of ${resources.deployment}? ${goes}`, 'restore', 'Nothing was changed.');
  try {
    console.log(await stage.step(title, (watch) => work(stage, usecase, watch)));
  } catch (error) {
    console.error('It did not end: its functions stay paused until it is run again.');
    throw error;
  }
}

/** A table that is gone comes back, under its name, by the stack that owns it: docs/adr/0022. */
async function requireTable(clients: Clients, resources: Resources, name: OutputName, flags: string): Promise<void> {
  try {
    await clients.dynamodb.send(new DescribeTableCommand({ TableName: resources.get(name) }));
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    throw new CliError(
      `The table ${resources.get(name)} is not there: bring it back first (docs/runbook.md#table-lost), then run this again with ${flags}.`,
    );
  }
}
