import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import {
  AttributeType,
  Billing,
  type GlobalSecondaryIndexPropsV2,
  StreamViewType,
  type TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import {
  EXPERIMENT_KEY,
  FEATURES_KEYS,
  IMPORT_KEY,
  RETRAINING_KEY,
  SCORES_KEYS,
  WAITING_INDEX,
} from '../../names/keys.ts';
import type { StageConfig } from '../config/stage-config.ts';
import type { DataKey } from '../foundation/data-key.ts';
import { removalPolicy } from '../foundation/removal.ts';

export interface EntityTableProps {
  readonly stage: StageConfig;
  readonly key: DataKey;
}

/** What both tables share: on demand, recoverable to the second, with a stream of new images. */
abstract class EntityTable extends Construct {
  readonly table: TableV2;
  protected readonly key: DataKey;

  protected constructor(
    scope: Construct,
    id: string,
    props: EntityTableProps,
    keys: typeof FEATURES_KEYS | typeof SCORES_KEYS,
    globalSecondaryIndexes: GlobalSecondaryIndexPropsV2[] = [],
  ) {
    super(scope, id);
    const { stage, key } = props;
    this.key = key;
    this.table = new TableV2(this, 'Table', {
      partitionKey: { name: keys.partition, type: AttributeType.STRING },
      sortKey: { name: keys.sort, type: AttributeType.STRING },
      globalSecondaryIndexes,
      timeToLiveAttribute: keys.expires,
      billing: Billing.onDemand(),
      dynamoStream: StreamViewType.NEW_IMAGE,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.protection.deletionProtection,
      encryption: encryptionOf(key),
      removalPolicy: removalPolicy(stage, true),
    });
  }

  /** May read single items by key. */
  grantRead(grantee: IGrantable): void {
    this.grant(grantee, 'dynamodb:BatchGetItem', 'dynamodb:GetItem');
    this.key.grantDecrypt(grantee);
  }

  /** May delete all that there is of an entity. */
  grantForget(grantee: IGrantable): void {
    this.grant(grantee, 'dynamodb:DeleteItem', 'dynamodb:Query');
    this.key.grantDecrypt(grantee);
  }

  protected grant(grantee: IGrantable, ...actions: string[]): void {
    Grant.addToPrincipal({ grantee, actions, resourceArns: [this.table.tableArn] });
  }
}

/** The online store: one item per entity and feature view version. */
export class OnlineTable extends EntityTable {
  constructor(scope: Construct, id: string, props: EntityTableProps) {
    // Expiry only collects garbage: readers look at the time themselves.
    super(scope, id, props, FEATURES_KEYS);
  }

  /** May read states and write them back under a condition on their revision, and settle which versions cut over, and where. */
  grantApply(grantee: IGrantable): void {
    this.grantRead(grantee);
    // Which versions there are, so that those are retired that it does not keep up; and whether an entity was erased.
    this.grant(grantee, 'dynamodb:Query');
    this.grant(grantee, 'dynamodb:PutItem', 'dynamodb:UpdateItem');
    this.key.grantUse(grantee);
  }

  /** May also write down that it was erased. */
  override grantForget(grantee: IGrantable): void {
    super.grantForget(grantee);
    this.grant(grantee, 'dynamodb:PutItem', 'dynamodb:UpdateItem');
    this.key.grantUse(grantee);
  }

  /** May ask who was erased. */
  grantReadTombstones(grantee: IGrantable): void {
    this.grantRead(grantee);
    this.grant(grantee, 'dynamodb:Query');
  }

  /** May say how far the tables of sources were imported, and read it: items about no entity, and no others. */
  grantImportMark(grantee: IGrantable): void {
    this.grantOwnItem(grantee, IMPORT_KEY);
  }

  /** May remember the last training, and read it: an item about no entity, and no other. */
  grantRememberTraining(grantee: IGrantable): void {
    this.grantOwnItem(grantee, RETRAINING_KEY);
  }

  private grantOwnItem(grantee: IGrantable, key: string): void {
    Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:GetItem', 'dynamodb:PutItem'],
      resourceArns: [this.table.tableArn],
      conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [key] } },
    });
    this.key.grantUse(grantee);
  }

  /** May walk over all states. */
  grantScan(grantee: IGrantable): void {
    this.grantRead(grantee);
    this.grant(grantee, 'dynamodb:Scan');
  }

  /** May look at all states, and write anew those that differ from their events. */
  grantHeal(grantee: IGrantable): void {
    this.grantScan(grantee);
    this.grantReadTombstones(grantee);
    this.grant(grantee, 'dynamodb:PutItem');
    this.key.grantUse(grantee);
  }

  /** May write states computed from history, after a look at those of other versions, and the fence that lets a view serve. */
  grantBackfill(grantee: IGrantable): void {
    this.grantApply(grantee);
    this.grantScan(grantee);
    // What a version left that was retired, and comes back; and that it was not retired while its fence goes up.
    this.grant(grantee, 'dynamodb:ConditionCheckItem', 'dynamodb:DeleteItem');
  }
}

/** Scores and the outbox of alerts. */
export class ScoreTable extends EntityTable {
  constructor(scope: Construct, id: string, props: EntityTableProps) {
    // Of alerts that wait alone, so that it costs nothing where none do; there from the first day, as a table that holds data
    // should not have to change for a setting.
    const { name, partition } = WAITING_INDEX;
    super(scope, id, props, SCORES_KEYS, [
      { indexName: name, partitionKey: { name: partition, type: AttributeType.STRING } },
    ]);
  }

  /** May write a score and the alert it raises, in one transaction. */
  grantRecord(grantee: IGrantable): void {
    this.grantRead(grantee);
    this.grant(grantee, 'dynamodb:ConditionCheckItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem');
    this.key.grantUse(grantee);
  }

  /** May read the records of experiments: items about no entity, and no others. */
  grantReadExperiments(grantee: IGrantable): void {
    Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:Query'],
      resourceArns: [this.table.tableArn],
      conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [EXPERIMENT_KEY] } },
    });
    this.key.grantDecrypt(grantee);
  }

  /** May find alerts that wait, and move each into the outbox or to what was suppressed, in one transaction. */
  grantDispatch(grantee: IGrantable): void {
    this.grantRead(grantee);
    this.grant(grantee, 'dynamodb:DeleteItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem');
    Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:Query'],
      resourceArns: [`${this.table.tableArn}/index/${WAITING_INDEX.name}`],
    });
    this.key.grantUse(grantee);
  }

  /** May keep what somebody said of an alert that is there. */
  grantOutcome(grantee: IGrantable): void {
    this.grant(grantee, 'dynamodb:ConditionCheckItem', 'dynamodb:PutItem');
    this.key.grantUse(grantee);
  }

  /** May claim an alert for sending and mark it as sent. */
  grantClaim(grantee: IGrantable): void {
    this.grantRead(grantee);
    this.grant(grantee, 'dynamodb:UpdateItem');
    this.key.grantUse(grantee);
  }
}

function encryptionOf(key: DataKey): TableEncryptionV2 {
  return key.key === undefined
    ? dynamodb.TableEncryptionV2.dynamoOwnedKey()
    : dynamodb.TableEncryptionV2.customerManagedKey(key.key);
}
