import { GetRolePolicyCommand, IAMClient, ListRolePoliciesCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { paginateListFunctions } from '@aws-sdk/client-lambda';
import type { Session } from '../../cli/commands/demo/session.ts';

interface Statement {
  readonly Action: string | readonly string[];
}

/** Name of the role of the function that emits metrics as `service`. */
async function roleOf(session: Session, service: string): Promise<string> {
  for await (const { Functions } of paginateListFunctions({ client: session.connection.clients.lambda }, {})) {
    for (const { Role, Environment } of Functions ?? []) {
      if (Environment?.Variables?.POWERTOOLS_SERVICE_NAME === service) return Role?.split('/').at(-1) ?? '';
    }
  }
  throw new Error(`no deployed function has POWERTOOLS_SERVICE_NAME=${service}`);
}

/**
 * Takes every statement that allows `action` from a function's role.
 * @returns how to give them back
 */
export async function removeGrant(session: Session, service: string, action: string): Promise<() => Promise<void>> {
  const iam = new IAMClient(session.cloud.clientConfig);
  const RoleName = await roleOf(session, service);
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
  const before: { PolicyName: string; PolicyDocument: string }[] = [];
  for (const PolicyName of PolicyNames) {
    const policy = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
    const PolicyDocument = decodeURIComponent(policy.PolicyDocument ?? '');
    const document = JSON.parse(PolicyDocument) as { Statement: Statement[] };
    if (!document.Statement.some(({ Action }) => [Action].flat().includes(action))) continue;
    // Of a statement only this action: what it allows beside it may be asked for first.
    const kept = document.Statement.map((one) => ({ ...one, Action: [one.Action].flat().filter((a) => a !== action) }));
    before.push({ PolicyName, PolicyDocument });
    await iam.send(
      new PutRolePolicyCommand({
        RoleName,
        PolicyName,
        PolicyDocument: JSON.stringify({ ...document, Statement: kept.filter(({ Action }) => Action.length > 0) }),
      }),
    );
  }
  if (before.length === 0) throw new Error(`the role of ${service} has no statement that allows ${action}`);
  return async () => {
    for (const policy of before) await iam.send(new PutRolePolicyCommand({ RoleName, ...policy }));
  };
}
