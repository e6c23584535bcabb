import {
  type CloudFormationClient,
  GetTemplateCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { z } from 'zod';

const template = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({
      Type: z.string(),
      DeletionPolicy: z.string().default('Delete'),
      Properties: z.looseObject({}).default({}),
    }),
  ),
});

/** Resources as a deployed template writes them, by logical id. */
export type WrittenResources = z.infer<typeof template>['Resources'];

/** The template of a stack as CloudFormation acts on it. */
export async function readTemplate(client: CloudFormationClient, StackName: string): Promise<WrittenResources> {
  const { TemplateBody = '{"Resources":{}}' } = await client.send(
    new GetTemplateCommand({ StackName, TemplateStage: 'Processed' }),
  );
  return template.parse(JSON.parse(TemplateBody)).Resources;
}

/** Physical ids of a stack's resources, by logical id. */
export async function physicalIds(client: CloudFormationClient, StackName: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const page of paginateListStackResources({ client }, { StackName }))
    for (const { LogicalResourceId, PhysicalResourceId } of page.StackResourceSummaries ?? [])
      if (LogicalResourceId && PhysicalResourceId) found.set(LogicalResourceId, PhysicalResourceId);
  return found;
}
