import { LoggingLevel, SlackChannelConfiguration } from 'aws-cdk-lib/aws-chatbot';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { DataKey } from '../foundation/data-key.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { deploymentName } from '../foundation/deployment.ts';
import { explainWildcards } from '../foundation/wildcards.ts';

export interface SlackChannelProps {
  readonly deployment: Deployment;
  readonly key: DataKey;
  readonly channel: { readonly workspaceId: string; readonly channelId: string };
  readonly topics: readonly ITopic[];
}

/** Operational alarms in Slack by Amazon Q Developer in chat applications, which draws them with graph and state. */
export class SlackChannel extends Construct {
  constructor(scope: Construct, id: string, props: SlackChannelProps) {
    super(scope, id);
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('chatbot.amazonaws.com'),
      description: 'Draws the metrics of alarms in Slack',
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['cloudwatch:DescribeAlarms', 'cloudwatch:GetMetricData', 'cloudwatch:GetMetricWidgetImage'],
        resources: ['*'],
      }),
    );
    props.key.grantDecrypt(role);
    explainWildcards(role, {
      finding: /^Resource::\*$/,
      reason: 'Reading metrics has no resource type: IAM takes only "*". Nothing can be written.',
    });
    new SlackChannelConfiguration(this, 'Channel', {
      slackChannelConfigurationName: deploymentName(props.deployment),
      slackWorkspaceId: props.channel.workspaceId,
      slackChannelId: props.channel.channelId,
      notificationTopics: [...props.topics],
      loggingLevel: LoggingLevel.ERROR,
      role,
    });
  }
}
