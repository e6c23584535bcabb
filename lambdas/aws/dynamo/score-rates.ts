import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ScoreRate } from '../../../core/scores/policy.ts';
import type { ScoreRates } from '../../../engine/ports.ts';
import { ALERTS_KEY, rateKind, scoresKey } from '../../../names/keys.ts';
import type { Item } from './state-item.ts';

/** Parts of a window: what the sums cover is the window, or up to a part of it less. */
const PARTS = 6;
const DAY_S = 86_400;

/** Counts by part of the window in one item about no entity: an update a batch, which answers with all of them. */
export class DynamoScoreRates implements ScoreRates {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  async add(t: number, { scored, above }: ScoreRate, window_ms: number): Promise<ScoreRate> {
    const part = partOf(t, window_ms);
    // What no window reaches any more; as many as a part's parts, so that none is left behind in a steady stream.
    const old = Array.from({ length: PARTS }, (_, i) => part - 2 * PARTS - i).flatMap((n) => [`s${n}`, `a${n}`]);
    const { Attributes } = await this.client.send(
      new UpdateItemCommand({
        TableName: this.table,
        Key: scoresKey(ALERTS_KEY, rateKind(window_ms)),
        UpdateExpression: `ADD #s :s, #a :a SET expires_at = :e REMOVE ${old.map((_, i) => `#o${i}`).join(', ')}`,
        ExpressionAttributeNames: {
          '#s': `s${part}`,
          '#a': `a${part}`,
          ...Object.fromEntries(old.map((name, i) => [`#o${i}`, name])),
        },
        ExpressionAttributeValues: marshall({
          ':s': scored,
          ':a': above,
          ':e': Math.ceil((Date.now() + window_ms) / 1000) + DAY_S,
        }),
        ReturnValues: 'ALL_NEW',
      }),
    );
    return sumsOf(Attributes, part);
  }

  async read(t: number, window_ms: number): Promise<ScoreRate> {
    const Key = scoresKey(ALERTS_KEY, rateKind(window_ms));
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    return sumsOf(Item, partOf(t, window_ms));
  }
}

const partOf = (t: number, window_ms: number) => Math.floor(t / Math.ceil(window_ms / PARTS));

function sumsOf(item: Item | undefined, part: number): ScoreRate {
  const counts: Readonly<Record<string, number>> = item ? unmarshall(item) : {};
  const parts = Array.from({ length: PARTS }, (_, i) => part - i);
  const sum = (letter: 's' | 'a') => parts.reduce((total, n) => total + (counts[`${letter}${n}`] ?? 0), 0);
  return { scored: sum('s'), above: sum('a') };
}
