import { deploymentName, STACKS, stackName } from '../../../names/deployments.ts';
import { CliError } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { flagsOf, type Resources, readDeployments } from '../../stage/resources.ts';
import { physicalIds, readTemplate, type WrittenResources } from '../../stage/stack-template.ts';
import { listVersions, readServed } from '../model/models.ts';
import { type LeftBehind, leftBehind } from './left-behind.ts';

export interface DeployedResource {
  readonly logicalId: string;
  readonly physicalId: string;
  /** e.g. AWS::S3::Bucket */
  readonly type: string;
  /** CloudFormation leaves it where it is: its template says so. */
  readonly stays: boolean;
}

export interface DeployedStack {
  readonly name: string;
  readonly resources: readonly DeployedResource[];
}

/** All that a deployment is made of, and what of it goes. */
export interface DestructionPlan {
  /** In the order in which they go: who uses comes before who is used. */
  readonly stacks: readonly DeployedStack[];
  /** Buckets that go; they must be empty by then. */
  readonly buckets: readonly string[];
  /** ARNs of the registry's versions; empty when the registry stays. */
  readonly versions: readonly string[];
  readonly endpoint: string | undefined;
  /** What the state machine and the jobs made outside of CloudFormation. */
  readonly made: LeftBehind;
  /** `<stage>/<use case>/`, with which its alarms' names begin, also of those that a deployment under way made. */
  readonly alarmPrefix: string | undefined;
}

type Used = Pick<Clients, 'cloudformation' | 'sagemaker' | 'glue'>;

/**
 * Reads what destroying a deployment would take and leave.
 * @throws CliError when it is protected, with how to lift the protection
 */
export async function planDestruction(clients: Used, resources: Resources): Promise<DestructionPlan> {
  const templates = new Map<string, WrittenResources>();
  for (const { StackName = '' } of resources.stacks)
    templates.set(StackName, await readTemplate(clients.cloudformation, StackName));
  refuseProtected(resources, templates);
  const stacks: DeployedStack[] = [];
  for (const kind of STACKS.toReversed()) {
    const name = stackName(resources.deployment, kind);
    const written = templates.get(name);
    if (written) stacks.push({ name, resources: await resourcesOf(clients, name, written) });
  }
  const all = stacks.flatMap((stack) => stack.resources);
  const going = (type: string) => all.filter((resource) => resource.type === type && !resource.stays);
  const registryGoes = going('AWS::SageMaker::ModelPackageGroup').length > 0;
  const hasEndpoint = resources.find('endpoint') !== undefined && resources.find('modelPackageGroup') !== undefined;
  const { sagemaker } = clients;
  const others = [...(await readDeployments(clients.cloudformation, resources.stage)).keys()]
    .map((name) => deploymentName(resources.stage, name))
    .filter((name) => name !== resources.deployment);
  return {
    stacks,
    buckets: going('AWS::S3::Bucket').map(({ physicalId }) => physicalId),
    versions: registryGoes ? (await listVersions(sagemaker, resources)).map(({ arn }) => arn) : [],
    endpoint: hasEndpoint ? (await readServed(sagemaker, resources))?.endpoint : undefined,
    alarmPrefix: /^.+\//.exec(going('AWS::CloudWatch::Alarm')[0]?.physicalId ?? '')?.[0],
    made: await leftBehind(
      clients,
      resources.deployment,
      others,
      going('AWS::Glue::Job').map(({ physicalId }) => physicalId),
    ),
  };
}

/** What is deployed decides, not the configuration: it may have been changed and not deployed. */
function refuseProtected(resources: Resources, templates: ReadonlyMap<string, WrittenResources>): void {
  const stacks = resources.stacks.filter(({ EnableTerminationProtection }) => EnableTerminationProtection);
  const tables = [...templates.values()]
    .flatMap((of) => Object.values(of))
    .filter(({ Properties }) => isProtected(Properties));
  if (stacks.length === 0 && tables.length === 0) return;
  const { stage, useCase: usecase } = resources;
  const why = [
    ...stacks.map(({ StackName }) => `stack ${StackName} has termination protection`),
    ...(tables.length > 0 ? [`${tables.length} tables have deletion protection`] : []),
  ];
  throw new CliError(
    `${resources.deployment} is protected: ${why.join(', ')}. Nothing was deleted. To take it down, set protection in lib/config/${stage}.ts to { allowDestroy: true, terminationProtection: false, deletionProtection: false }, run \`npx tidemark deploy ${flagsOf({ stage, usecase })}\` and then this again.`,
  );
}

/** DynamoDB: a table says it itself, a global table in each replica. */
function isProtected(properties: Readonly<Record<string, unknown>>): boolean {
  const replicas = Array.isArray(properties.Replicas) ? properties.Replicas : [];
  return [properties, ...replicas].some((of) => of.DeletionProtectionEnabled === true);
}

/** `RetainExceptOnCreate` keeps a resource too: its exception is a stack whose creation failed. */
async function resourcesOf(
  { cloudformation }: Pick<Clients, 'cloudformation'>,
  StackName: string,
  written: WrittenResources,
): Promise<DeployedResource[]> {
  return [...(await physicalIds(cloudformation, StackName))].map(([logicalId, physicalId]) => ({
    logicalId,
    physicalId,
    type: written[logicalId]?.Type ?? '',
    stays: /^Retain/.test(written[logicalId]?.DeletionPolicy ?? ''),
  }));
}
