import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  DescribeModelPackageCommand,
  type EndpointStatus,
  type ProductionVariant,
  paginateListEndpointConfigs,
  paginateListModelPackages,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { CHALLENGER_VARIANT, CHAMPION_VARIANT } from '../../../names/variants.ts';
import { CliError } from '../../errors.ts';
import type { Resources } from '../../stage/resources.ts';

/** A version of the registry. */
export interface ModelVersion {
  readonly version: number;
  readonly arn: string;
  /** PendingManualApproval, Approved or Rejected. */
  readonly approval: string;
  /** Why it was approved or rejected; empty: nobody said. */
  readonly reason: string;
  /** ms UTC */
  readonly created: number;
  /** Where its files are; empty: SageMaker does not say. */
  readonly artefact: string;
  /** What the gate wrote beside it: hashes and metrics (engine/model-gate.ts). */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What answers now, and with which configuration. */
export interface Served {
  readonly endpoint: string;
  readonly status: EndpointStatus | 'Unknown';
  readonly config: string;
  /** undefined: its model is of no version of this registry, or is gone. */
  readonly version: number | undefined;
  /** Version of the second model of an experiment. @default - it serves alone */
  readonly challenger?: number;
  /** Configuration that a change under way is about. @default - none is */
  readonly pending?: string;
  /** SageMaker's own words, where it failed. */
  readonly failure: string | undefined;
}

/** SageMaker has no error of its own for what is missing: a ValidationException with one of these texts. */
const isMissing = (error: unknown): boolean =>
  error instanceof Error && /could not find|does not exist/i.test(error.message);

async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** All versions, the newest first. */
export async function listVersions(client: SageMakerClient, resources: Resources): Promise<ModelVersion[]> {
  const versions: ModelVersion[] = [];
  const query = { ModelPackageGroupName: resources.get('modelPackageGroup'), SortBy: 'CreationTime' } as const;
  for await (const page of paginateListModelPackages({ client }, { ...query, SortOrder: 'Descending' })) {
    for (const { ModelPackageArn } of page.ModelPackageSummaryList ?? [])
      versions.push(await describeVersion(client, ModelPackageArn ?? ''));
  }
  return versions.sort((a, b) => b.version - a.version);
}

/** @param arn of the model package */
export async function describeVersion(client: SageMakerClient, arn: string): Promise<ModelVersion> {
  const model = await client.send(new DescribeModelPackageCommand({ ModelPackageName: arn }));
  return {
    version: model.ModelPackageVersion ?? 0,
    arn,
    approval: model.ModelApprovalStatus ?? 'Unknown',
    reason: model.ApprovalDescription ?? '',
    created: model.CreationTime?.getTime() ?? 0,
    artefact: model.InferenceSpecification?.Containers?.[0]?.ModelDataUrl ?? '',
    metadata: model.CustomerMetadataProperties ?? {},
  };
}

/** The number of a version of this registry in the ARN of its package; undefined for packages of others. */
export function versionOf(resources: Resources, arn: string | undefined): number | undefined {
  const [, group, version] = /:model-package\/([^/]+)\/(\d+)$/.exec(arn ?? '') ?? [];
  return group === resources.get('modelPackageGroup') ? Number(version) : undefined;
}

/** Versions that an endpoint configuration serves; undefined when one is of another registry, or its model is gone. */
interface ConfigVersions {
  readonly champion: number | undefined;
  /** Of the second production variant. */
  readonly challenger: number | undefined;
  /** Of the one that only listens. */
  readonly shadow: number | undefined;
  /** Neither another production variant nor a shadow stands beside the champion. */
  readonly alone: boolean;
}

export async function versionsOfConfig(
  client: SageMakerClient,
  resources: Resources,
  config: string,
): Promise<ConfigVersions> {
  const found = await orMissing(client.send(new DescribeEndpointConfigCommand({ EndpointConfigName: config })));
  const { ProductionVariants: variants = [], ShadowProductionVariants: shadows = [] } = found ?? {};
  const of = async (variant: ProductionVariant | undefined) => {
    if (variant?.ModelName === undefined) return undefined;
    const model = await orMissing(client.send(new DescribeModelCommand({ ModelName: variant.ModelName })));
    return versionOf(resources, model?.PrimaryContainer?.ModelPackageName ?? model?.Containers?.[0]?.ModelPackageName);
  };
  const named = (name: string) => variants.find(({ VariantName }) => VariantName === name);
  return {
    champion: await of(named(CHAMPION_VARIANT) ?? variants[0]),
    challenger: await of(named(CHALLENGER_VARIANT)),
    shadow: await of(shadows[0]),
    alone: variants.length === 1 && shadows.length === 0,
  };
}

/** What the endpoint serves; undefined while there is none. */
export async function readServed(client: SageMakerClient, resources: Resources): Promise<Served | undefined> {
  const endpoint = resources.get('endpoint');
  const found = await orMissing(client.send(new DescribeEndpointCommand({ EndpointName: endpoint })));
  if (!found) return undefined;
  const config = found.EndpointConfigName ?? '';
  const pending = found.PendingDeploymentSummary?.EndpointConfigName;
  const { champion, challenger } = config === '' ? {} : await versionsOfConfig(client, resources, config);
  return {
    endpoint,
    status: found.EndpointStatus ?? 'Unknown',
    config,
    version: champion,
    ...(challenger === undefined ? {} : { challenger }),
    ...(pending === undefined ? {} : { pending }),
    failure: found.FailureReason,
  };
}

export interface ServingConfig {
  readonly name: string;
  readonly version: number;
  /** ms UTC */
  readonly created: number;
}

/** Endpoint configurations of this registry's versions, each alone, the newest first. */
export async function listConfigs(client: SageMakerClient, resources: Resources): Promise<ServingConfig[]> {
  const configs: ServingConfig[] = [];
  // The prefix is shared with use cases whose name goes on; the registry of the model decides.
  const query = { NameContains: `${resources.deployment}-`, SortBy: 'CreationTime', SortOrder: 'Descending' } as const;
  for await (const page of paginateListEndpointConfigs({ client }, query)) {
    for (const { EndpointConfigName: name = '', CreationTime } of page.EndpointConfigs ?? []) {
      const { champion: version, alone } = await versionsOfConfig(client, resources, name);
      if (version !== undefined && alone) configs.push({ name, version, created: CreationTime?.getTime() ?? 0 });
    }
  }
  return configs;
}

/** @throws CliError naming the versions there are, when this is none */
export function pick(versions: readonly ModelVersion[], version: number): ModelVersion {
  const found = versions.find((model) => model.version === version);
  if (found) return found;
  const known = versions.map((model) => model.version).join(', ') || 'none: run `npx tidemark train` first';
  throw new CliError(`There is no version ${version} in the registry; there are: ${known}.`);
}
