import { Stack } from 'aws-cdk-lib';
import { CfnConnection, Connection } from 'aws-cdk-lib/aws-glue';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { z } from 'zod';
import { SparkJob } from '../batch/spark-job.ts';
import { acknowledge, explainWildcards } from '../foundation/wildcards.ts';
import { grantImport, type ImportProps, importArguments, watchImport } from './import-job.ts';
import type { jdbcAddress } from './source-address.ts';

type Address = z.output<typeof jdbcAddress>;

/**
 * A table of a PostgreSQL or MySQL database: its rows become events. The job stands in the network of the stage's
 * configuration, from where it must reach the database, and S3, DynamoDB, Kinesis, Glue, CloudWatch, STS, KMS and Secrets
 * Manager by endpoints or a NAT.
 */
export class JdbcSource extends Construct {
  readonly job: SparkJob<'importJdbc'>;

  constructor(scope: Construct, id: string, props: ImportProps & { readonly address: Address }) {
    super(scope, id);
    const { deployment, source, lake, catalog, sharedCode, useCase, address } = props;
    const { url, table, secret, network } = address;
    const connection = new CfnConnection(this, 'Network', {
      catalogId: Stack.of(this).account,
      connectionInput: {
        connectionType: 'NETWORK',
        description: `Network of the database of ${source.name}`,
        physicalConnectionRequirements: {
          subnetId: network.subnet,
          availabilityZone: network.availabilityZone,
          securityGroupIdList: [...network.securityGroups],
        },
      },
    });
    acknowledge(connection, {
      id: 'CloudFormation-Validate::W3010',
      reason: 'The database stands in one subnet of the stage, whose zone Glue wants to be told.',
    });
    this.job = new SparkJob(this, 'Import', {
      ...{ deployment, lake, catalog, sharedCode, useCase },
      name: 'importJdbc',
      description: `Imports the table of ${source.name}`,
      dimensions: { source: source.name },
      connections: [Connection.fromConnectionName(this, 'Attached', connection.ref)],
      arguments: { ...importArguments(props), url, login_arn: secret, source_table: table },
    });
    grantImport(this.job, props);
    this.job.role.addToPolicy(new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secret] }));
    this.grantNetwork(connection.ref, network);
    watchImport(this.job, 'importJdbc', props, address);
  }

  /**
   * Glue makes the network interfaces of a run with the job's own role: the actions of AWSGlueServiceRole
   * (https://docs.aws.amazon.com/glue/latest/dg/create-service-policy.html), cut down to the one subnet and its groups.
   */
  private grantNetwork(connection: string, { subnet, securityGroups }: Address['network']): void {
    const stack = Stack.of(this);
    const ec2 = (resource: string, resourceName: string) => stack.formatArn({ service: 'ec2', resource, resourceName });
    const { role } = this.job;
    role.addToPolicy(
      new PolicyStatement({
        actions: ['glue:GetConnection'],
        resources: [
          stack.formatArn({ service: 'glue', resource: 'catalog' }),
          stack.formatArn({ service: 'glue', resource: 'connection', resourceName: connection }),
        ],
      }),
    );
    const interfaces = ec2('network-interface', '*');
    role.addToPolicy(
      new PolicyStatement({
        actions: ['ec2:CreateNetworkInterface'],
        resources: [ec2('subnet', subnet), ...securityGroups.map((one) => ec2('security-group', one)), interfaces],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ['ec2:CreateTags', 'ec2:DeleteNetworkInterface'], resources: [interfaces] }),
    );
    role.addToPolicy(
      new PolicyStatement({
        actions: [
          'ec2:DescribeNetworkInterfaces',
          'ec2:DescribeRouteTables',
          'ec2:DescribeSecurityGroups',
          'ec2:DescribeSubnets',
          'ec2:DescribeVpcAttribute',
          'ec2:DescribeVpcEndpoints',
        ],
        resources: ['*'],
      }),
    );
    explainWildcards(role, {
      finding: /^Resource::arn:\S+:ec2:\S+:network-interface\/\*$/,
      reason: 'Glue names the network interfaces of its runs itself; they are made in the one subnet alone.',
    });
  }
}
