import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { checkWebhook } from '../../../lambdas/notifier/slack.ts';
import type { Clients, Stage } from '../../stage/connection.ts';
import { Resources, readDeployments } from '../../stage/resources.ts';
import { checked, type Finding, ok, todo } from './finding.ts';

/**
 * Whether each deployment of the stage has somewhere to send its alerts. The address itself is never shown.
 * @param loopbackAllowed only what is deployed on this machine may send to it
 */
export async function webhookFindings(
  clients: Pick<Clients, 'cloudformation' | 'secrets'>,
  stage: Stage,
  loopbackAllowed: boolean,
): Promise<Finding[]> {
  const deployments = await readDeployments(clients.cloudformation, stage);
  if (deployments.size === 0) {
    const next = `After the deployment: \`npx tidemark webhook --stage ${stage}\`.`;
    return [{ subject: 'Slack webhook', state: 'note', found: 'nothing is deployed yet', next }];
  }
  return Promise.all(
    [...deployments].map(([name, stacks]) => {
      const subject = `Slack webhook of ${name}`;
      const resources = new Resources(stage, name, stacks);
      if (resources.withoutAlerts) return ok(subject, 'not needed: this use case has no alerts');
      return checked(subject, 'secretsmanager:GetSecretValue', () =>
        webhookFinding(clients, resources, loopbackAllowed),
      );
    }),
  );
}

async function webhookFinding(
  { secrets }: Pick<Clients, 'secrets'>,
  resources: Resources,
  loopbackAllowed: boolean,
): Promise<Finding> {
  const subject = `Slack webhook of ${resources.useCase}`;
  const { SecretString = '' } = await secrets.send(
    new GetSecretValueCommand({ SecretId: resources.get('slackSecret') }),
  );
  try {
    checkWebhook(JSON.parse(SecretString).url, loopbackAllowed);
    return ok(subject, 'the secret holds an address');
  } catch {
    // Neither error may be told: a JSON error quotes what it reads.
    const next = `Alerts reach nobody: \`npx tidemark webhook --stage ${resources.stage} --usecase ${resources.useCase}\`.`;
    return todo(subject, 'the secret holds no https address', next);
  }
}
