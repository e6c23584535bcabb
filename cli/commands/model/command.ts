import { GetObjectCommand } from '@aws-sdk/client-s3';
import { type Command, InvalidArgumentError } from 'commander';
import { loadStage } from '../../../lib/config/stages.ts';
import { CliError } from '../../errors.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import { flagsOf, type Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { readCard, textOf, writeCard } from './card.ts';
import { readModelArchive } from './export/archive.ts';
import { exportModel, FORMATS, formatOf } from './export/export.ts';
import { servedNow } from './in-process.ts';
import { listVersions, type ModelVersion, pick, type Served } from './models.ts';
import { planRollBack, rollBack } from './rollback.ts';
import { approve, decide } from './serving.ts';

interface VersionOptions extends Target {
  readonly version?: number;
}

interface CardOptions extends VersionOptions {
  readonly out?: string;
}

interface DecideOptions extends VersionOptions {
  readonly reason: string;
}

interface RollBackOptions extends Target {
  readonly to?: number;
}

interface ExportOptions extends VersionOptions {
  readonly to: string;
  readonly out: string;
}

const PENDING = 'PendingManualApproval';

/** Adds `tidemark model …`. */
export function addModel(root: Command): void {
  const model = root
    .command('model')
    .description('the registry of models: what there is, what serves, and who says so');
  const add = (name: string, description: string) =>
    model.command(name).description(description).addOption(stageOption()).addOption(useCaseOption());
  add('ls', 'list the versions with their approval and metrics; * is the one that serves').action((target: Target) =>
    withStage(target, list),
  );
  add('show', 'show everything about a version')
    .option('--version <n>', 'which (default: the one that serves, else the newest)', versionNumber)
    .action((options: VersionOptions) => withStage(options, (stage) => show(stage, options)));
  add('card', 'print the card of a version: what it is, how good, for whom, and why the gate let it in')
    .option('--version <n>', 'which (default: the one that serves, else the newest)', versionNumber)
    .option('--out <folder>', 'write it there instead, with its plots and the trials of its search')
    .action((options: CardOptions) => withStage(options, (stage) => card(stage, options)));
  add('approve', 'approve a version, and wait until it serves')
    .option('--version <n>', 'which (default: the newest that waits for approval)', versionNumber)
    .option('--reason <text>', 'why, for whoever asks later', 'approved with tidemark model approve')
    .action((options: DecideOptions) => withStage(options, (stage) => approveVersion(stage, options)));
  add('reject', 'reject a version: nothing will deploy it')
    .option('--version <n>', 'which (default: the newest that waits for approval)', versionNumber)
    .option('--reason <text>', 'why, for whoever asks later', 'rejected with tidemark model reject')
    .action((options: DecideOptions) => withStage(options, (stage) => rejectVersion(stage, options)));
  add(
    'rollback',
    'serve the version that served before, and wait until it does; the present one, a canary or a challenger is rejected',
  )
    .option('--to <n>', 'another version that has served (default: the one before)', versionNumber)
    .action((options: RollBackOptions) => withStage(options, (stage) => rollback(stage, options)));
  add('export', 'write a version to a folder that runs outside of AWS')
    .requiredOption('--to <format>', FORMATS.join(', '))
    .requiredOption('--out <folder>', 'a new folder, or an empty one')
    .option('--version <n>', 'which (default: the one that serves, else the newest)', versionNumber)
    .action((options: ExportOptions) => withStage(options, (stage) => exportVersion(stage, options)));
}

function versionNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('allowed is the number of a version, from 1.');
  return Number(text);
}

async function list({ clients, resources }: OpenStage): Promise<void> {
  const served = await servedNow(clients, resources);
  console.log(versionTable(await listVersions(clients.sagemaker, resources), served));
  console.log(servedLine(served));
}

/** One line per version: the metrics that the gate decides by. */
export function versionTable(versions: readonly ModelVersion[], served: Served | undefined): string {
  if (versions.length === 0) return 'The registry is empty. Next: npx tidemark train';
  const rows = versions.map(({ version, approval, created, metadata }) => [
    `${version === served?.version ? '*' : ' '} ${version}`,
    approval,
    new Date(created).toISOString().slice(0, 16).replace('T', ' '),
    interval(metadata, 'auc'),
    metadata.brier ?? '',
    metadata.calibration_error ?? '',
    metadata.definition_hash?.slice(0, 12) ?? '',
  ]);
  const all = [['  version', 'approval', 'created (UTC)', 'auc', 'brier', 'calibration', 'definition'], ...rows];
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A metric with the ends of its interval, where they stand beside it. */
function interval(metadata: ModelVersion['metadata'], name: string): string {
  const [low, high] = [metadata[`${name}_low`], metadata[`${name}_high`]];
  return `${metadata[name] ?? ''}${low && high ? ` (${low}–${high})` : ''}`;
}

function servedLine(served: Served | undefined): string {
  if (!served) return 'No endpoint yet: the first approved model makes it.';
  const failure = served.failure ? ` (${served.failure})` : '';
  const beside = served.challenger === undefined ? '' : ` and challenger ${served.challenger}`;
  return `${served.endpoint} is ${served.status}${failure} with version ${served.version ?? 'of no registry'}${beside}.`;
}

/** The version that was named, else the one that serves, else the newest. */
async function looked({ clients, resources }: OpenStage, version: number | undefined) {
  const versions = await listVersions(clients.sagemaker, resources);
  const served = await servedNow(clients, resources);
  const wanted = version ?? served?.version ?? versions[0]?.version;
  if (wanted === undefined) throw new CliError('The registry is empty: run `npx tidemark train` first.');
  return { model: pick(versions, wanted), served };
}

async function card(stage: OpenStage, { version, out }: CardOptions): Promise<void> {
  const { model } = await looked(stage, version);
  const found = await readCard(stage.clients.s3, model);
  console.log(out === undefined ? textOf(found) : `Written to ${await writeCard(found, out)}.`);
}

async function exportVersion(stage: OpenStage, { version, to, out }: ExportOptions): Promise<void> {
  const format = formatOf(to);
  const { model } = await looked(stage, version);
  const { hostname: Bucket, pathname } = new URL(model.artefact);
  const { Body } = await stage.clients.s3.send(new GetObjectCommand({ Bucket, Key: pathname.slice(1) }));
  const content = Buffer.from((await Body?.transformToByteArray()) ?? []);
  const files = await exportModel(await readModelArchive(content, model.metadata.model_sha256), format, out);
  console.log([`Version ${model.version} is in ${out}:`, ...files.map((file) => `  ${file}`)].join('\n'));
}

async function show(stage: OpenStage, { version }: VersionOptions): Promise<void> {
  const { model, served } = await looked(stage, version);
  const serves = model.version === served?.version ? `, served by ${served.endpoint} (${served.status})` : '';
  console.log(
    [
      `version ${model.version}, ${model.approval}${model.reason ? ` (${model.reason})` : ''}${serves}`,
      `created ${new Date(model.created).toISOString()}`,
      `artefact ${model.artefact}`,
      ...Object.entries(model.metadata).map(([name, value]) => `${name} ${value}`),
    ].join('\n'),
  );
}

/** The version that was named, else the newest that waits. */
function decided(versions: readonly ModelVersion[], version: number | undefined): ModelVersion {
  if (version !== undefined) return pick(versions, version);
  const waiting = versions.find(({ approval }) => approval === PENDING);
  if (waiting) return waiting;
  throw new CliError('No version waits for approval: name one with --version <n>; `npx tidemark model ls` lists them.');
}

async function approveVersion(stage: OpenStage, { version, reason }: DecideOptions): Promise<void> {
  const { clients, resources, target } = stage;
  const model = decided(await listVersions(clients.sagemaker, resources), version);
  const served = await servedNow(clients, resources);
  if (served?.version === model.version && served.status === 'InService' && model.approval === 'Approved') {
    console.log(`Version ${model.version} is approved and serves already.`);
    return;
  }
  const byEvent = loadStage(target.stage).training.approval === 'manual';
  await stage.step(`Approve and deploy version ${model.version}`, (watch) =>
    approve(clients, resources, model, { byEvent, reason, watch }),
  );
  console.log(`Version ${model.version} serves. Next: npx tidemark put --file <events.ndjson> ${flagsOf(target)}`);
}

async function rejectVersion({ clients, resources, target }: OpenStage, options: DecideOptions): Promise<void> {
  const model = decided(await listVersions(clients.sagemaker, resources), options.version);
  const served = await servedNow(clients, resources);
  if (served?.version === model.version)
    throw new CliError(
      `Version ${model.version} serves: go back to the one before with \`npx tidemark model rollback ${flagsOf(target)}\`, which rejects it.`,
    );
  await decide(clients, model, 'Rejected', options.reason);
  console.log(`Version ${model.version} is rejected.`);
}

async function rollback(stage: OpenStage, { to }: RollBackOptions): Promise<void> {
  const { clients, resources } = stage;
  const plan = await planRollBack(clients, resources, to);
  await stage.step(`Roll back from version ${plan.from.version} to ${plan.to.version}`, (watch) =>
    rollBack(clients, resources, plan, watch),
  );
  console.log(`Version ${plan.to.version} serves; version ${plan.from.version} is rejected.`);
}
