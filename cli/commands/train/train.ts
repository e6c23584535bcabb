import { DescribeModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import { type Admission, admission, type TrainingRequest } from '../../../names/retraining.ts';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { runStateMachine, type Watch } from '../../stage/jobs.ts';
import type { Resources } from '../../stage/resources.ts';

export interface TrainedModel {
  readonly training_set_id: string;
  /** Of its package in the registry. */
  readonly arn: string;
  readonly version: number;
  /** Name of what serves it; null while its approval is waited for. */
  readonly endpoint: string | null;
  /** What the gate wrote beside the model: hashes, metrics with their intervals, the baseline's. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What the state machine of the training ends with: lib/training/training-definition.ts. */
const outcome = z.union([z.object({ model_package_arn: z.string(), endpoint_name: z.string().optional() }), admission]);
const written = z.looseObject({ training_set_id: z.string() });

/**
 * As `askForTraining`, where nothing else will do.
 * @throws CliError with the reason where there was nothing to train, too
 */
export async function runTraining(
  clients: Pick<Clients, 'sfn' | 'sagemaker'>,
  resources: Resources,
  input: TrainingRequest,
  watch: Watch,
): Promise<TrainedModel> {
  const found = await askForTraining(clients, resources, input, watch);
  if ('decision' in found) throw new CliError(`No model was trained (${found.decision}): ${found.reason}`);
  return found;
}

/**
 * Training set → train → gate → register → endpoint, by the state machine; the result is read from the registry.
 * @returns the model, or why none was trained: nothing is wrong then
 * @throws CliError with what went wrong, or why the gate refused the model
 */
export async function askForTraining(
  { sfn, sagemaker }: Pick<Clients, 'sfn' | 'sagemaker'>,
  resources: Resources,
  input: TrainingRequest,
  watch: Watch,
): Promise<TrainedModel | Admission> {
  const output = await runStateMachine(sfn, resources.get('trainingStateMachine'), input, watch);
  const ended = outcome.parse(output);
  if ('decision' in ended) return ended;
  const { model_package_arn, endpoint_name } = ended;
  const model = await sagemaker.send(new DescribeModelPackageCommand({ ModelPackageName: model_package_arn }));
  const metadata = model.CustomerMetadataProperties ?? {};
  return {
    training_set_id: written.parse(metadata).training_set_id,
    arn: model_package_arn,
    version: model.ModelPackageVersion ?? 0,
    endpoint: endpoint_name ?? null,
    metadata,
  };
}

/** Lines for people: "auc 0.853 [0.838, 0.868]" of the keys auc, auc_low and auc_high. */
export function modelLines({ version, endpoint, metadata }: Omit<TrainedModel, 'arn' | 'training_set_id'>): string[] {
  const serving =
    endpoint === null ? 'not served before it is approved: npx tidemark model approve' : `served by ${endpoint}`;
  const withEnds = (key: string) => {
    const [low, high] = [metadata[`${key}_low`], metadata[`${key}_high`]];
    return low === undefined || high === undefined ? '' : ` [${low}, ${high}]`;
  };
  return [
    `version ${version}, ${serving}`,
    ...Object.entries(metadata)
      .filter(([key]) => !(/_(low|high)$/.test(key) && key.replace(/_(low|high)$/, '') in metadata))
      .map(([key, value]) => `${key} ${value}${withEnds(key)}`),
  ];
}
