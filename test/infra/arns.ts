/**
 * What a template value will be, as text: references become sample ARNs and names, so that a policy can be read as IAM reads
 * it.
 */
import { flatten } from '../../lib/foundation/wildcards.ts';
import type { StackName } from './synthesised.ts';
import type { Placed, Templates } from './templates.ts';

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::AccountId': '111122223333',
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-west-1',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** ARN of a resource by its type; `#` stands for its name. */
const ARNS: Readonly<Record<string, string>> = {
  'AWS::CloudWatch::Alarm': 'arn:aws:cloudwatch:eu-west-1:111122223333:alarm:#',
  'AWS::DynamoDB::GlobalTable': 'arn:aws:dynamodb:eu-west-1:111122223333:table/#',
  'AWS::Events::Rule': 'arn:aws:events:eu-west-1:111122223333:rule/#',
  'AWS::IAM::Role': 'arn:aws:iam::111122223333:role/#',
  'AWS::KMS::Key': 'arn:aws:kms:eu-west-1:111122223333:key/#',
  'AWS::Kinesis::Stream': 'arn:aws:kinesis:eu-west-1:111122223333:stream/#',
  'AWS::Lambda::Function': 'arn:aws:lambda:eu-west-1:111122223333:function:#',
  // "The ARN of the log group, with :* at its end" (AWS::Logs::LogGroup, Fn::GetAtt Arn)
  'AWS::Logs::LogGroup': 'arn:aws:logs:eu-west-1:111122223333:log-group:#:*',
  'AWS::S3::Bucket': 'arn:aws:s3:::#',
  'AWS::SNS::Topic': 'arn:aws:sns:eu-west-1:111122223333:#',
  'AWS::SQS::Queue': 'arn:aws:sqs:eu-west-1:111122223333:#',
  'AWS::SageMaker::ModelPackageGroup': 'arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/#',
  'AWS::SecretsManager::Secret': 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:#',
  'AWS::StepFunctions::StateMachine': 'arn:aws:states:eu-west-1:111122223333:stateMachine:#',
};

/** Types whose `Ref` is their ARN. */
const REF_IS_ARN = new Set([
  'AWS::SNS::Topic',
  'AWS::SecretsManager::Secret',
  'AWS::SageMaker::ModelPackageGroup',
  'AWS::StepFunctions::StateMachine',
]);

/** @throws Error for a reference to a type that the table does not know */
export function textOf(templates: Templates, stack: StackName, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  const node = value as Record<string, unknown>;
  if (Array.isArray(node['Fn::Join'])) {
    const [delimiter, items] = node['Fn::Join'] as [string, unknown[]];
    return items.map((item) => textOf(templates, stack, item)).join(delimiter);
  }
  if (Array.isArray(node['Fn::Select'])) {
    const [place, { 'Fn::Split': split }] = node['Fn::Select'] as [number, { 'Fn::Split': [string, unknown] }];
    return textOf(templates, stack, split[1]).split(split[0])[place] ?? '';
  }
  if (typeof node['Fn::Sub'] === 'string') {
    return node['Fn::Sub'].replaceAll(/\$\{([^}]+)\}/g, (_, name) => textOf(templates, stack, { Ref: name }));
  }
  if (typeof node.Ref === 'string' && PSEUDO[node.Ref] !== undefined) return PSEUDO[node.Ref] ?? '';
  const target = templates.target(stack, value);
  if (target === undefined) throw new Error(`${stack}: ${flatten(value)} refers to nothing`);
  return ofResource(target, attributeOf(templates, node));
}

function ofResource({ type, id, properties }: Placed, attribute: string | undefined): string {
  const arn = ARNS[type]?.replace('#', id);
  if (attribute === 'StreamArn') return `${arn}/stream/2026-01-01T00:00:00.000`;
  const wantsArn = attribute === undefined ? REF_IS_ARN.has(type) : /Arn$/.test(attribute);
  if (!wantsArn) return typeof properties.Name === 'string' ? properties.Name : id;
  if (arn === undefined) throw new Error(`${type} has no ARN in test/infra/arns.ts: add it`);
  return arn;
}

/** `Arn` of `Fn::GetAtt`, also behind an export or output; undefined for `Ref`. */
function attributeOf(templates: Templates, node: Record<string, unknown>): string | undefined {
  if (Array.isArray(node['Fn::GetAtt'])) return node['Fn::GetAtt'][1] as string;
  const behind = templates.behind(node);
  return behind === undefined ? undefined : attributeOf(templates, behind.value as typeof node);
}
