/** Records of experiments in the table of scores: one that runs at a time, and each name once for ever. */
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { type ExperimentRecord, experimentRecord } from '../../../names/experiments.ts';
import { EXPERIMENT_KEY, RUNNING_KIND, scoresKey } from '../../../names/keys.ts';
import { CliError } from '../../errors.ts';

export class ExperimentRecords {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  /** The one that runs; null: none does. */
  running(): Promise<ExperimentRecord | null> {
    return this.read(RUNNING_KIND);
  }

  /** One that runs or ran; null: none of this name ever started. */
  async named(name: string): Promise<ExperimentRecord | null> {
    const running = await this.running();
    return running?.experiment.name === name ? running : this.read(name);
  }

  /** @throws CliError when one runs, or when the name was used before */
  async begin(record: ExperimentRecord): Promise<void> {
    const { name } = record.experiment;
    const absent = { TableName: this.table, ConditionExpression: 'attribute_not_exists(entity_id)' };
    await this.transact(
      `Another experiment runs, or ${name} ran before: \`npx tidemark experiment status\` shows it; a new one needs a new name.`,
      { Put: { ...absent, Item: itemOf(RUNNING_KIND, record) } },
      { ConditionCheck: { ...absent, Key: scoresKey(EXPERIMENT_KEY, name) } },
    );
  }

  /** @throws CliError when the record is not `before` any more */
  async change(before: ExperimentRecord, after: ExperimentRecord): Promise<void> {
    try {
      const Item = itemOf(RUNNING_KIND, after);
      await this.client.send(new PutItemCommand({ TableName: this.table, Item, ...unchanged(before) }));
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) throw new CliError(CHANGED);
      throw error;
    }
  }

  /** Moves the record to its name, where it stays. @throws CliError when it is not `before` any more */
  async end(before: ExperimentRecord, after: ExperimentRecord): Promise<void> {
    const TableName = this.table;
    const Key = scoresKey(EXPERIMENT_KEY, RUNNING_KIND);
    await this.transact(
      CHANGED,
      { Put: { TableName, Item: itemOf(after.experiment.name, after) } },
      { Delete: { TableName, Key, ...unchanged(before) } },
    );
  }

  private async read(kind: string): Promise<ExperimentRecord | null> {
    const Key = scoresKey(EXPERIMENT_KEY, kind);
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    return Item ? experimentRecord.parse(JSON.parse(Item.record?.S ?? 'null')) : null;
  }

  private async transact(lost: string, ...TransactItems: object[]): Promise<void> {
    try {
      await this.client.send(new TransactWriteItemsCommand({ TransactItems }));
    } catch (error) {
      if (error instanceof TransactionCanceledException) throw new CliError(lost);
      throw error;
    }
  }
}

const CHANGED =
  'The experiment was changed meanwhile: look at it with `npx tidemark experiment status`, then run this again.';

const itemOf = (kind: string, record: ExperimentRecord) => ({
  ...scoresKey(EXPERIMENT_KEY, kind),
  record: { S: JSON.stringify(record) },
});

const unchanged = (before: ExperimentRecord) => ({
  ConditionExpression: '#record = :before',
  ExpressionAttributeNames: { '#record': 'record' },
  ExpressionAttributeValues: { ':before': { S: JSON.stringify(before) } },
});
