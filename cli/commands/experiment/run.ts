/** From a definition to an experiment that runs, and to its end. */
import type { ExperimentIR } from '../../../core/ir/document.ts';
import { coverageOf, type ExperimentRecord } from '../../../names/experiments.ts';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { runStateMachine, type Watch } from '../../stage/jobs.ts';
import type { Resources } from '../../stage/resources.ts';
import { listVersions, type ModelVersion, pick, readServed } from '../model/models.ts';
import { ExperimentRecords } from './records.ts';

type Used = Pick<Clients, 'dynamodb' | 'sagemaker' | 'sfn'>;

const records = ({ dynamodb }: Pick<Clients, 'dynamodb'>, resources: Resources) =>
  new ExperimentRecords(dynamodb, resources.get('scoresTable'));

/**
 * Whom to try against whom.
 * @param wanted a version. @default - the newest approved one that does not serve
 * @throws CliError when nothing serves, or the challenger is not approved or for other features
 */
export async function contenders(
  { sagemaker }: Pick<Clients, 'sagemaker'>,
  resources: Resources,
  wanted?: number,
): Promise<{ champion: ModelVersion; challenger: ModelVersion }> {
  const served = await readServed(sagemaker, resources);
  if (served?.version === undefined)
    throw new CliError(`${resources.deployment} serves no version of its registry: run \`npx tidemark train\` first.`);
  const versions = await listVersions(sagemaker, resources);
  const champion = pick(versions, served.version);
  const challenger =
    wanted === undefined
      ? versions.find(({ version, approval }) => version !== champion.version && approval === 'Approved')
      : pick(versions, wanted);
  if (!challenger)
    throw new CliError('No approved version but the one that serves: train a second one with `npx tidemark train`.');
  if (challenger.version === champion.version)
    throw new CliError(`Version ${champion.version} serves: it can't be tried against itself; name another one.`);
  if (challenger.approval !== 'Approved')
    throw new CliError(
      `Version ${challenger.version} is ${challenger.approval}, and only approved versions are asked about customers.`,
    );
  if (challenger.metadata.definition_hash !== champion.metadata.definition_hash)
    throw new CliError(
      `Version ${challenger.version} was trained for another definition of the features than version ${champion.version}: train one for the features that are deployed.`,
    );
  return { champion, challenger };
}

/**
 * Deploys both variants, then writes the record that everybody assigns by: before it the challenger gets no request.
 * May be repeated where it broke off.
 * @throws CliError when another one runs or the name was used, and when the challenger does not come into service
 */
export async function start(
  clients: Used,
  resources: Resources,
  experiment: ExperimentIR,
  { champion, challenger }: { readonly champion: ModelVersion; readonly challenger: ModelVersion },
  watch: Watch = {},
): Promise<ExperimentRecord> {
  const kept = records(clients, resources);
  const running = await kept.running();
  if (running) throw new CliError(`Experiment ${running.experiment.name} runs: one at a time, so stop it first.`);
  if (await kept.named(experiment.name))
    throw new CliError(
      `Experiment ${experiment.name} ran before: what it decided stays, so a new one needs a new name.`,
    );
  const input = { challenger_package_arn: challenger.arn };
  await runStateMachine(clients.sfn, resources.get('trainingStateMachine'), input, watch);
  const now = Date.now();
  const record: ExperimentRecord = {
    experiment: structuredClone(experiment) as ExperimentRecord['experiment'],
    status: 'running',
    started_at: now,
    ended_at: null,
    coverage: [{ at: now, coverage: experiment.coverage }],
    packages: { champion: champion.arn, challenger: challenger.arn },
  };
  await kept.begin(record);
  return record;
}

/** The one that runs. @throws CliError when none does */
export async function runningOne(clients: Pick<Clients, 'dynamodb'>, resources: Resources): Promise<ExperimentRecord> {
  const running = await records(clients, resources).running();
  if (running) return running;
  throw new CliError('No experiment runs: begin one with `npx tidemark experiment start`.');
}

/** One that runs or ran. @param name @default - the one that runs. @throws CliError when there is none */
export async function found(
  clients: Pick<Clients, 'dynamodb'>,
  resources: Resources,
  name: string | undefined,
): Promise<ExperimentRecord> {
  if (name === undefined) return runningOne(clients, resources);
  const record = await records(clients, resources).named(name);
  if (record) return record;
  throw new CliError(`Experiment ${name} never started: begin it with \`npx tidemark experiment start ${name}\`.`);
}

/** Takes more entities in. @throws CliError for a coverage that is not wider, or beyond the hold-out */
export async function widen(clients: Used, resources: Resources, coverage: number): Promise<ExperimentRecord> {
  const before = await runningOne(clients, resources);
  const [now, most] = [coverageOf(before), 1 - before.experiment.hold_out];
  if (coverage <= now)
    throw new CliError(`coverage: found ${coverage}; allowed: above ${now}, as whoever is assigned stays assigned.`);
  if (coverage > most)
    throw new CliError(`coverage: found ${coverage}; allowed: up to ${most}, as the rest is held out.`);
  const after = { ...before, coverage: [...before.coverage, { at: Date.now(), coverage }] };
  await records(clients, resources).change(before, after);
  return after;
}

/**
 * Ends it: first nobody is assigned any more, then the champion serves alone again. May be repeated where it broke off.
 * @throws CliError when the endpoint does not come back into service
 */
export async function end(
  clients: Used,
  resources: Resources,
  before: ExperimentRecord,
  status: 'stopped' | 'promoted',
  watch: Watch = {},
): Promise<ExperimentRecord> {
  const ended: ExperimentRecord =
    before.status === 'running' ? { ...before, status, ended_at: Date.now() } : { ...before, status };
  if (before.status === 'running') await records(clients, resources).end(before, ended);
  await runStateMachine(clients.sfn, resources.get('trainingStateMachine'), { end_experiment: true }, watch);
  return ended;
}

/**
 * Ends it, and deploys the challenger as every approved version is: compared with what was approved, and by a canary.
 * @throws CliError as `end`, and when the challenger does not come into service: the champion serves then
 */
export async function promote(
  clients: Used,
  resources: Resources,
  before: ExperimentRecord,
  watch: Watch = {},
): Promise<ExperimentRecord> {
  const ended = await end(clients, resources, before, 'promoted', watch);
  const input = { model_package_arn: ended.packages.challenger };
  await runStateMachine(clients.sfn, resources.get('trainingStateMachine'), input, watch);
  return ended;
}
