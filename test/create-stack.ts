/** A stack of a test's own, made and waited for. */
import {
  type CloudFormationClient,
  CreateStackCommand,
  waitUntilStackCreateComplete,
} from '@aws-sdk/client-cloudformation';

/** @param template of CloudFormation, as an object */
export async function createStack(client: CloudFormationClient, StackName: string, template: object): Promise<void> {
  const TemplateBody = JSON.stringify(template);
  await client.send(new CreateStackCommand({ StackName, TemplateBody, Capabilities: ['CAPABILITY_NAMED_IAM'] }));
  await waitUntilStackCreateComplete({ client, maxWaitTime: 60, minDelay: 1 }, { StackName });
}
