import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { z } from 'zod';
import { SparkJob } from '../batch/spark-job.ts';
import { explainWildcards } from '../foundation/wildcards.ts';
import type { tableAddress } from './addresses.ts';
import { grantImport, type ImportProps, importArguments, watchImport } from './import-job.ts';

/** A table of the Glue catalog that somebody else keeps (Fivetran, Airbyte, dlt, zero-ETL, AppFlow): its rows become events. */
export class TableSource extends Construct {
  readonly job: SparkJob<'importTable'>;

  constructor(scope: Construct, id: string, props: ImportProps & { readonly address: z.output<typeof tableAddress> }) {
    super(scope, id);
    const { deployment, source, lake, catalog, sharedCode, useCase, address } = props;
    const { database, table } = address;
    this.job = new SparkJob(this, 'Import', {
      ...{ deployment, lake, catalog, sharedCode, useCase },
      name: 'importTable',
      description: `Imports the table of ${source.name}`,
      dimensions: { source: source.name },
      arguments: { ...importArguments(props), source_database: database, source_table: table },
    });
    grantImport(this.job, props);
    this.grantRead(address);
    watchImport(this.job, 'importTable', props, address);
  }

  /** The one table, and the files that are its own. */
  private grantRead({ database, table, location, key }: z.output<typeof tableAddress>): void {
    const stack = Stack.of(this);
    const glue = (resource: string, resourceName?: string) =>
      stack.formatArn({ service: 'glue', resource, resourceName });
    const [bucket, folder] = split(location);
    const files = stack.formatArn({
      service: 's3',
      region: '',
      account: '',
      resource: bucket,
      resourceName: `${folder}*`,
    });
    const { role } = this.job;
    role.addToPolicy(
      new PolicyStatement({
        actions: ['glue:GetDatabase', 'glue:GetTable'],
        resources: [glue('catalog'), glue('database', database), glue('table', `${database}/${table}`)],
      }),
    );
    role.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: [files] }));
    // Of a table of plain files there is no list of them but the bucket's.
    role.addToPolicy(
      new PolicyStatement({
        actions: ['s3:ListBucket'],
        resources: [stack.formatArn({ service: 's3', region: '', account: '', resource: bucket })],
        conditions: { StringLike: { 's3:prefix': `${folder}*` } },
      }),
    );
    if (key !== undefined) role.addToPolicy(new PolicyStatement({ actions: ['kms:Decrypt'], resources: [key] }));
    explainWildcards(role, {
      finding: /^Resource::arn:\S+:s3:::\S+\/\*$/,
      reason:
        'The files of a table are named by who writes it; the statement is limited to the folder of the one table.',
    });
  }
}

/** Bucket and folder of s3://<bucket>/<folder>/. */
function split(location: string): readonly [string, string] {
  const { host, pathname } = new URL(location);
  return [host, pathname.slice(1)];
}
