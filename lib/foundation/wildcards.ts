import { CfnResource, Stack, Validations } from 'aws-cdk-lib';
import { CfnManagedPolicy, CfnPolicy, CfnRole } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** Why one wildcard in the policies of a role is needed. */
export interface WildcardReason {
  /**
   * Which finding: `Action::<action>` or `Resource::<resource>`, with `<LogicalId.Attribute>` for references, as cdk-nag
   * writes them. Anchor it: a pattern that matches more than is meant hides a wildcard.
   */
  readonly finding: RegExp;
  readonly reason: string;
}

/**
 * Acknowledges the wildcards of the policies below `scope` one by one (rule AwsSolutions-IAM5), with the reason, in the
 * construct tree and in the template's metadata. What no reason covers stays a finding and stops the synthesis.
 *
 * It runs in the validation step because only then references between stacks have their final form.
 */
export function explainWildcards(scope: IConstruct, ...reasons: readonly WildcardReason[]): void {
  scope.node.addValidation({
    validate: () => {
      for (const policy of scope.node.findAll().filter(isPolicy)) {
        const explained = wildcardsOf(policy).flatMap((finding) => {
          const match = reasons.find((candidate) => candidate.finding.test(finding));
          return match === undefined ? [] : [{ id: `AwsSolutions-IAM5[${finding}]`, reason: match.reason }];
        });
        if (explained.length > 0) acknowledge(policy, ...explained);
      }
      return [];
    },
  });
}

/**
 * Acknowledges nag rules on a construct, with a reason that is also written to the template (the audit trail).
 */
export function acknowledge(scope: IConstruct, ...rules: ReadonlyArray<{ id: string; reason: string }>): void {
  Validations.of(scope).acknowledge(...rules);
  for (const resource of scope.node.findAll().filter((node) => CfnResource.isCfnResource(node))) {
    const existing: { rules_to_suppress: unknown[] } | undefined = resource.getMetadata('cdk_nag');
    resource.addMetadata('cdk_nag', { rules_to_suppress: [...(existing?.rules_to_suppress ?? []), ...rules] });
  }
}

type Policy = CfnPolicy | CfnManagedPolicy | CfnRole;

function isPolicy(node: IConstruct): node is Policy {
  return node instanceof CfnPolicy || node instanceof CfnManagedPolicy || node instanceof CfnRole;
}

/** Every `Action::` and `Resource::` finding of the allow statements of a policy resource. */
function wildcardsOf(policy: Policy): string[] {
  const stack = Stack.of(policy);
  const documents: unknown[] =
    policy instanceof CfnRole
      ? ((stack.resolve(policy.policies) as Array<{ policyDocument: unknown }> | undefined) ?? []).map((inline) =>
          stack.resolve(inline.policyDocument),
        )
      : [stack.resolve(policy.policyDocument)];
  const statements = documents.flatMap(
    (document) => (document as { Statement?: Array<Record<string, unknown>> } | undefined)?.Statement ?? [],
  );
  return statements
    .filter((statement) => statement.Effect === 'Allow')
    .flatMap((statement) => [
      ...list(statement.Action).map((action) => `Action::${flatten(action)}`),
      ...list(statement.Resource).map((resource) => `Resource::${flatten(resource)}`),
    ])
    .filter((finding) => finding.includes('*'));
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

/** A CloudFormation value as one line, as cdk-nag writes it in finding ids. */
export function flatten(value: unknown): string {
  if (typeof value === 'string') return value.replaceAll('${', '<').replaceAll('}', '>');
  if (typeof value !== 'object' || value === null) return '';
  const node = value as Record<string, unknown>;
  if (Array.isArray(node['Fn::Join'])) {
    const [delimiter, items] = node['Fn::Join'] as [string, unknown[]];
    return items.map(flatten).join(delimiter);
  }
  if (node['Fn::Sub'] !== undefined) return flatten(node['Fn::Sub']);
  if (Array.isArray(node['Fn::GetAtt'])) return `<${node['Fn::GetAtt'].map(flatten).join('.')}>`;
  if (node['Fn::ImportValue'] !== undefined) return flatten(node['Fn::ImportValue']);
  if (node.Ref !== undefined) return `<${flatten(node.Ref)}>`;
  return JSON.stringify(value);
}
