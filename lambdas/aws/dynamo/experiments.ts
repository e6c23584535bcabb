import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { ExperimentStore } from '../../../engine/experiments/assigning.ts';
import { type ExperimentRecord, experimentRecord } from '../../../names/experiments.ts';
import { EXPERIMENT_KEY, RUNNING_KIND, scoresKey } from '../../../names/keys.ts';

/** The record of the experiment that runs: an item of the table of scores, which names nobody. */
export class DynamoExperiments implements ExperimentStore {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  /** @throws ZodError when newer code wrote the record */
  async running(): Promise<ExperimentRecord | null> {
    const Key = scoresKey(EXPERIMENT_KEY, RUNNING_KIND);
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key }));
    return Item ? experimentRecord.parse(JSON.parse(Item.record?.S ?? 'null')) : null;
  }
}
