/** A training as a run with a model version, and a deployment as aliases. Asked again, nothing is made twice. */
import type { ModelIR } from '../../core/ir/document.ts';
import type { MlflowClient, Run, Tags } from './client.ts';
import { metricsOf, paramsOf } from './words.ts';

/** Tags of runs and model versions: what ties them to the registry. */
export const TAG = {
  trainingJob: 'tidemark.training_job',
  trainingSet: 'tidemark.training_set_id',
  snapshot: 'tidemark.snapshot_id',
  definition: 'tidemark.definition_hash',
  modelSha256: 'tidemark.model_sha256',
  modelPackage: 'tidemark.model_package_arn',
  gate: 'tidemark.gate',
  gateReasons: 'tidemark.gate_reasons',
} as const;

const MOST_TAG = 5000;

export interface RecordedTraining {
  readonly training_job_name: string;
  readonly training_set_id: string;
  /** Null of a model that the gate refused. */
  readonly model_package_arn: string | null;
  /** s3://… of the model's archive. */
  readonly model_data_url: string;
  readonly gate: { readonly passed: boolean; readonly reasons: readonly string[]; readonly metadata: Tags };
  /** Of the training job's output by their names, metrics.json among them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface Recorder {
  readonly client: MlflowClient;
  /** Name of the experiment and of the registered model. */
  readonly name: string;
  readonly model: ModelIR;
  /** Puts a file where the server has its artifacts in a store that it does not serve itself. */
  readonly store: (uri: string, body: Uint8Array) => Promise<void>;
  /** ms UTC */
  readonly now: () => number;
}

/** @throws MlflowError, and what the store says */
export async function recordRun(recorder: Recorder, training: RecordedTraining): Promise<void> {
  const { client, name, now } = recorder;
  const experiment = await client.experiment(name);
  const { training_job_name } = training;
  const run =
    (await client.runWith(experiment, TAG.trainingJob, training_job_name)) ??
    (await client.createRun(experiment, training.training_set_id, now(), { [TAG.trainingJob]: training_job_name }));
  // A run is finished last: one that is has everything.
  if (run.status !== 'FINISHED') await fillRun(recorder, run, training);
  const { model_package_arn: package_arn, model_data_url, gate } = training;
  if (package_arn === null) return;
  const { model_sha256 = null, definition_hash } = gate.metadata;
  await versionOf(recorder, { package_arn, model_data_url, model_sha256, definition_hash, run_id: run.run_id });
}

async function fillRun({ client, model, store, now }: Recorder, run: Run, training: RecordedTraining): Promise<void> {
  const metrics = metricsJson(training.files);
  await client.log(run.run_id, run.start_time, metricsOf(metrics), paramsOf(model, metrics));
  await client.tag(run.run_id, tagsOf(training));
  for (const [name, body] of training.files) {
    if (run.artifact_uri.startsWith('mlflow-artifacts:')) await client.upload(run.artifact_uri, name, body);
    else await store(`${run.artifact_uri}/${name}`, body);
  }
  await client.finish(run.run_id, now());
}

function metricsJson(files: ReadonlyMap<string, Uint8Array>): unknown {
  const body = files.get('metrics.json');
  return body === undefined ? null : JSON.parse(Buffer.from(body).toString('utf8'));
}

function tagsOf({ training_set_id, gate, model_package_arn }: RecordedTraining): Tags {
  const { snapshot_id = '', definition_hash = '', model_sha256 = '' } = gate.metadata;
  return {
    [TAG.trainingSet]: training_set_id,
    [TAG.snapshot]: snapshot_id,
    [TAG.definition]: definition_hash,
    [TAG.modelSha256]: model_sha256,
    [TAG.gate]: gate.passed ? 'passed' : 'refused',
    ...(gate.passed ? {} : { [TAG.gateReasons]: gate.reasons.join('; ').slice(0, MOST_TAG) }),
    ...(model_package_arn === null ? {} : { [TAG.modelPackage]: model_package_arn }),
  };
}

/** What a model version is made of. */
interface Package {
  readonly package_arn: string;
  /** s3://… of the archive. */
  readonly model_data_url: string;
  /** Null of a package that was registered before it was kept. */
  readonly model_sha256: string | null;
  readonly definition_hash?: string;
  readonly run_id?: string;
}

/** Number of the version that stands for a package; it is made where there is none. */
async function versionOf({ client, name }: Recorder, of: Package): Promise<string> {
  const { package_arn, model_sha256, definition_hash } = of;
  const found = await client.versionWith(name, TAG.modelPackage, package_arn);
  if (found !== null) return found;
  await client.registerModel(name);
  return client.createVersion(name, {
    source: of.model_data_url,
    run_id: of.run_id,
    description: `The model package ${package_arn} of the SageMaker registry, which decides what is served.`,
    tags: {
      [TAG.modelPackage]: package_arn,
      ...(model_sha256 === null ? {} : { [TAG.modelSha256]: model_sha256 }),
      ...(definition_hash === undefined ? {} : { [TAG.definition]: definition_hash }),
    },
  });
}

/** What serves; `challenger`: beside the champion, in an experiment. */
export interface Serving {
  readonly champion: Package;
  readonly challenger?: Package;
}

/** Points the aliases at what serves. @throws MlflowError */
export async function recordServing(recorder: Recorder, { champion, challenger }: Serving): Promise<void> {
  const { client, name } = recorder;
  await client.setAlias(name, 'champion', await versionOf(recorder, champion));
  if (challenger === undefined) await client.removeAlias(name, 'challenger');
  else await client.setAlias(name, 'challenger', await versionOf(recorder, challenger));
}
