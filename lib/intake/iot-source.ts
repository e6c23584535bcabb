import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnTopicRule } from 'aws-cdk-lib/aws-iot';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/intake-stream/env.ts';
import type { NodeFunction } from '../foundation/node-function.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { addDeadLetterAlarm, addErrorAlarm } from '../monitoring/function-alarms.ts';
import type { IotAddress } from './addresses.ts';
import type { SourceProps } from './intake-source.ts';
import { streamFunction } from './stream-function.ts';

/**
 * Messages of devices, by a rule of IoT Core. The payload goes through as its own bytes: the rule's SQL would read and write
 * its numbers anew, and would drop what is no JSON.
 */
export class IotSource extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: SourceProps & { readonly address: IotAddress }) {
    super(scope, id);
    const { address, alarms, key, source } = props;
    this.fn = streamFunction(this, props, 'iot', 'asynchronous');
    const deadLetters = this.fn.deadLetters!;
    const role = new Role(this, 'RuleRole', {
      assumedBy: new ServicePrincipal('iot.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
      description: `Keeps what IoT could not hand to the function of ${source.name}`,
    });
    role.addToPrincipalPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }));
    key.grantUse(role);
    const rule = new CfnTopicRule(this, 'Rule', {
      topicRulePayload: {
        description: `Messages of ${source.name}`,
        awsIotSqlVersion: '2016-03-23',
        sql:
          "SELECT encode(*, 'base64') AS data, topic() AS topic, timestamp() AS timestamp, traceid() AS traceid " +
          `FROM '${address.topicFilter}'`,
        actions: [{ lambda: { functionArn: this.fn.function.functionArn } }],
        errorAction: { sqs: { queueUrl: deadLetters.queueUrl, roleArn: role.roleArn, useBase64: false } },
      },
    });
    this.fn.function.addPermission('Rule', {
      principal: new ServicePrincipal('iot.amazonaws.com'),
      sourceArn: rule.attrArn,
    });
    const name = `${pascalCase(source.name)}Iot`;
    addErrorAlarm(
      alarms,
      name,
      this.fn.function,
      'Each message is tried twice more, and then waits in its dead-letter queue.',
    );
    addDeadLetterAlarm(alarms, name, deadLetters, `Messages of ${source.name} were not taken`);
  }
}
