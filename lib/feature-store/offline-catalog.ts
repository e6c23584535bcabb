import { Stack } from 'aws-cdk-lib';
import { Database } from 'aws-cdk-lib/aws-glue';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { PREFIX } from '../../names/lake.ts';
import type { StageConfig } from '../config/stage-config.ts';
import { removalPolicy } from '../foundation/removal.ts';
import { explainWildcards } from '../foundation/wildcards.ts';
import type { Lake } from './lake.ts';

export interface OfflineCatalogProps {
  readonly stage: StageConfig;
  readonly lake: Lake;
}

/**
 * The Glue database of the Iceberg tables.
 *
 * The tables themselves are made by the jobs that write them (`CREATE TABLE IF NOT EXISTS`): their columns and partitioning
 * then live in one place, in the Spark code, where Iceberg can evolve them. A CloudFormation table of the same name would
 * be replaced, with its history, by a change of its columns.
 */
export class OfflineCatalog extends Construct {
  readonly database: Database;
  private readonly lake: Lake;

  constructor(scope: Construct, id: string, props: OfflineCatalogProps) {
    super(scope, id);
    this.lake = props.lake;
    this.database = new Database(this, 'Database', {
      description: `Iceberg tables of Tidemark ${props.stage.stage}: events, quarantine, predictions, training sets`,
      locationUri: props.lake.uri(PREFIX.warehouse),
    });
    this.database.applyRemovalPolicy(removalPolicy(props.stage, true));
  }

  /** May query the Iceberg tables. */
  grantQuery(grantee: IGrantable): void {
    this.grantCatalog(grantee, 'glue:GetDatabase', 'glue:GetTable', 'glue:GetTables');
    this.lake.grantRead(grantee, PREFIX.warehouse);
  }

  /** May create the Iceberg tables and write to them. */
  grantWrite(grantee: IGrantable): void {
    this.grantCatalog(
      grantee,
      'glue:CreateTable',
      'glue:GetDatabase',
      'glue:GetTable',
      'glue:GetTables',
      'glue:UpdateTable',
    );
    this.lake.grantReadWrite(grantee, PREFIX.warehouse);
  }

  /** May see which snapshot of the table of events is the newest. */
  grantReadEvents(grantee: IGrantable): void {
    this.grantTables(grantee, 'events', ['glue:GetTable']);
    this.lake.grantRead(grantee, PREFIX.warehouse);
  }

  private grantTables(grantee: IGrantable, tables: string, actions: string[]): void {
    const stack = Stack.of(this);
    const arn = (resource: string, resourceName?: string) =>
      stack.formatArn({ service: 'glue', resource, resourceName });
    const { databaseName } = this.database;
    Grant.addToPrincipal({
      grantee,
      actions,
      resourceArns: [arn('catalog'), arn('database', databaseName), arn('table', `${databaseName}/${tables}`)],
    });
  }

  private grantCatalog(grantee: IGrantable, ...actions: string[]): void {
    this.grantTables(grantee, '*', actions);
    if (!(grantee.grantPrincipal instanceof Construct)) {
      throw new Error('Catalog grants need a role of this app, got an imported principal. Pass the role construct.');
    }
    explainWildcards(grantee.grantPrincipal, {
      finding: /^Resource::arn:\S+:glue:\S+:table\/\S+\/\*$/,
      reason: 'The Iceberg tables are made by the jobs; the statement is limited to the tables of the one database.',
    });
  }
}
