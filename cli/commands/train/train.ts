import { DescribeModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
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
const outcome = z.object({ model_package_arn: z.string(), endpoint_name: z.string().optional() });
const written = z.looseObject({ training_set_id: z.string() });

/**
 * Training set → train → gate → register → endpoint, by the state machine; the result is read from the registry.
 * @param input of the state machine: `training_set_id` and `as_of` may be given
 * @throws CliError with what went wrong, or why the gate refused the model
 */
export async function runTraining(
  { sfn, sagemaker }: Pick<Clients, 'sfn' | 'sagemaker'>,
  resources: Resources,
  input: Readonly<Record<string, unknown>>,
  watch: Watch,
): Promise<TrainedModel> {
  const output = await runStateMachine(sfn, resources.get('trainingStateMachine'), input, watch);
  const { model_package_arn, endpoint_name } = outcome.parse(output);
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
