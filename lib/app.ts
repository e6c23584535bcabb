import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Annotations, type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { requireEnough } from './config/retention.ts';
import type { StageConfig } from './config/stage-config.ts';
import { loadDeployedUseCase } from './config/use-case.ts';
import { isDeployed } from './intake/read-source.ts';
import { IntakeStack } from './stacks/intake-stack.ts';
import { MonitoringStack } from './stacks/monitoring-stack.ts';
import { RealtimeStack } from './stacks/realtime-stack.ts';
import { StorageStack } from './stacks/storage-stack.ts';
import { TrainingStack } from './stacks/training-stack.ts';
import { bringsRuntime, runtimeOf, servingRuntime } from './training/serving-runtime.ts';
import { writeSourceArchive } from './training/source-archive.ts';

export interface TidemarkAppOptions {
  readonly stage: StageConfig;
  /** Value of `-c usecase=`. */
  readonly useCase: unknown;
  /** Where the credentials point to, when the stage does not say. */
  readonly account?: string;
  readonly region?: string;
}

/**
 * Fills an app with the stacks of one stage and use case, tagged and checked.
 *
 * @throws ConfigError when the use case or the region is wrong, a contract breaks what was released, or data
 * would go that features need
 */
export async function buildTidemark(app: App, options: TidemarkAppOptions) {
  const { stage } = options;
  const generated = path.join(app.outdir, 'generated');
  const deployment = { stage, useCase: await loadDeployedUseCase(options.useCase, generated) };
  requireEnough(`lib/config/${stage.stage}.ts`, stage.retention, deployment.useCase.ir);
  const common = {
    deployment,
    account: stage.environment.account ?? options.account,
    region: stage.environment.region ?? options.region ?? 'us-east-1',
  };
  const storage = new StorageStack(app, 'Storage', { ...common, description: 'stream, tables, lake, registry' });
  const model = fileURLToPath(new URL('../model', import.meta.url));
  const wheels = bringsRuntime(deployment) ? [await servingRuntime(runtimeOf(model))] : [];
  const training = new TrainingStack(app, 'Training', {
    ...common,
    storage,
    modelSource: await writeSourceArchive(model, path.join(generated, 'sourcedir.tar.gz'), wheels),
    description: 'Spark jobs and training',
  });
  const realtime = new RealtimeStack(app, 'Realtime', {
    ...common,
    storage,
    description: 'features, scores and alerts',
  });
  // The job that backfills a view version must not exist before the functions that keep it up.
  training.addStackDependency(realtime);
  const { sources = [] } = deployment.useCase.ir;
  // A stack without resources is none.
  const intake = sources.some((source) => isDeployed(stage, source))
    ? new IntakeStack(app, 'Intake', { ...common, storage, training, sources, description: 'sources' })
    : null;
  if (intake === null && sources.length > 0)
    Annotations.of(storage).addWarningV2(
      'tidemark:no-sources',
      `sources: found no address of any of ${sources.map(({ name }) => name).join(', ')} in this stage, so none is deployed; add them to sources of lib/config/${stage.stage}.ts.`,
    );
  // What it puts on the stream is read by functions that know its contracts.
  intake?.addStackDependency(realtime);
  const monitoring = new MonitoringStack(app, 'Monitoring', {
    ...common,
    storage,
    realtime,
    training,
    intake,
    description: 'dashboard',
  });
  for (const [key, value] of Object.entries(stage.tags)) Tags.of(app).add(key, value);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  return { storage, training, realtime, ...(intake && { intake }), monitoring };
}
