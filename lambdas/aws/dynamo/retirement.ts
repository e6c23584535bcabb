/** Versions of a view that a deployment does not keep up any more: what they served has a hole from then on. */
import {
  type DynamoDBClient,
  paginateQuery,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import { MAX_TRIES, pause } from '../../../engine/backoff.ts';
import { CUTOVER_KEY, FENCE_KEY, featuresKey } from '../../../names/keys.ts';

/** A fence, which may be up, or an item about cutovers, which may be retired. */
const schema = z.object({ view: z.string(), ready: z.boolean().optional(), retired_at: z.number().optional() });
type Version = z.infer<typeof schema>;

export interface RetirementOptions {
  /** Views that this code keeps up, by version. */
  readonly kept: readonly string[];
  /** How long an answer holds, ms: shorter than what lies between the end of former code and the first cutover of new code. */
  readonly again_ms: number;
  /** ms UTC. */
  readonly now: () => number;
}

/**
 * Retires every version that has a fence or a cutover and is not kept up: the fence goes down, and nothing cuts over before the
 * backfill has deleted the states and begun anew (`retired_at` of the `#join` item). So a version that comes back
 * after a roll-back cuts over as a new one does.
 *
 * By the functions themselves, before they apply anything: whatever way a deployment came about, the first record that a
 * version misses is read by a function that knows that.
 */
export class Retirement {
  private readonly client: DynamoDBClient;
  private readonly table: string;
  private readonly options: RetirementOptions;
  private checked_at = Number.NEGATIVE_INFINITY;

  constructor(client: DynamoDBClient, table: string, options: RetirementOptions) {
    this.client = client;
    this.table = table;
    this.options = options;
  }

  /** Two queries, at most once in `again_ms`. @throws Error when a version could not be retired: nothing may be applied */
  async check(): Promise<void> {
    const { now, again_ms } = this.options;
    const at = now();
    if (at - this.checked_at < again_ms) return;
    for (let attempt = 0; !(await this.retireAll(at)); attempt++) {
      if (attempt === MAX_TRIES)
        throw new Error('versions of a view could not be retired; the batch is delivered again');
      await pause(attempt);
    }
    this.checked_at = at;
  }

  /** @returns false where another function wrote the same items just then */
  private async retireAll(at: number): Promise<boolean> {
    const [fences, cutovers] = await Promise.all([this.versions(FENCE_KEY), this.versions(CUTOVER_KEY)]);
    const open = [
      ...fences.filter(({ ready }) => ready === true),
      ...cutovers.filter(({ retired_at }) => retired_at === undefined),
    ];
    const others = new Set(open.map(({ view }) => view).filter((view) => !this.options.kept.includes(view)));
    for (const view of others) if (!(await this.retire(view, at))) return false;
    return true;
  }

  private async versions(key: string): Promise<Version[]> {
    const query = {
      TableName: this.table,
      ConsistentRead: true,
      KeyConditionExpression: 'entity_id = :key',
      ExpressionAttributeValues: marshall({ ':key': key }),
    };
    const versions: Version[] = [];
    for await (const { Items = [] } of paginateQuery({ client: this.client }, query))
      versions.push(...Items.map((item) => schema.parse(unmarshall(item))));
    return versions;
  }

  /** One transaction: with the fence alone, a crash would leave positions that nobody has kept up. */
  private async retire(view: string, at: number): Promise<boolean> {
    const TableName = this.table;
    const key = (entity_id: string) => featuresKey(entity_id, view);
    const cutover = {
      TableName,
      Key: key(CUTOVER_KEY),
      UpdateExpression: 'SET retired_at = if_not_exists(retired_at, :at)',
      ExpressionAttributeValues: marshall({ ':at': at }),
    };
    const fence = {
      TableName,
      Key: key(FENCE_KEY),
      UpdateExpression: 'SET ready = :down',
      ExpressionAttributeValues: marshall({ ':down': false }),
    };
    try {
      await this.client.send(
        new TransactWriteItemsCommand({ TransactItems: [{ Update: cutover }, { Update: fence }] }),
      );
      return true;
    } catch (error) {
      const conflict =
        error instanceof TransactionCanceledException &&
        error.CancellationReasons?.some(({ Code }) => Code === 'TransactionConflict');
      if (!conflict) throw error;
      return false;
    }
  }
}
