/**
 * A DynamoDB table in memory that gives each partition what AWS gives it: "every partition in a DynamoDB table is designed to
 * deliver a maximum capacity of 3,000 read units per second and 1,000 write units per second", of 4 KB read consistently (two
 * when not) and 1 KB written (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html). A
 * transaction counts double. No partition is shared by keys and none is split within one, which is the kindest reading; there
 * is no burst.
 *
 * BatchGetItem gives back what a partition can't answer as UnprocessedKeys; everything else is refused.
 */
import {
  type AttributeValue,
  type BatchGetItemCommandInput,
  ConditionalCheckFailedException,
  DynamoDBClient,
  type GetItemCommandInput,
  ProvisionedThroughputExceededException,
  type PutItemCommandInput,
  type QueryCommandInput,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';

type Item = Record<string, AttributeValue>;

/** Units that a partition gives in a second. */
const PARTITION = { read: 3000, write: 1000 } as const;
type Kind = keyof typeof PARTITION;

const KB = 1024;
/** A page of a query holds no more. */
const PAGE_BYTES = KB * KB;

export class LimitedTable extends DynamoDBClient {
  /** Virtual time, ms. */
  now = 0;
  /** Answers that were refused or left open for want of units. */
  throttled = 0;
  /** Units by partition key, since the start. */
  readonly units = { read: new Map<string, number>(), write: new Map<string, number>() };
  private readonly items = new Map<string, Item>();
  private readonly limits: Readonly<Record<Kind, number>>;
  private second = 0;
  private readonly used = { read: new Map<string, number>(), write: new Map<string, number>() };

  /** @param limits units a second. @default PARTITION */
  constructor(limits: Readonly<Record<Kind, number>> = PARTITION) {
    super({ region: 'us-east-1', credentials: { accessKeyId: 'none', secretAccessKey: 'none' } });
    this.limits = limits;
  }

  /** The partition that was asked most, and its units. */
  hottest(kind: Kind): readonly [string, number] {
    return [...this.units[kind]].reduce((most, one) => (one[1] > most[1] ? one : most), ['', 0]);
  }

  total(kind: Kind): number {
    return [...this.units[kind].values()].reduce((sum, units) => sum + units, 0);
  }

  get size(): number {
    return this.items.size;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the client's own overloads, one for each command
  override send(command: any): Promise<any> {
    const name = command.constructor.name as string;
    const run = this.answers[name];
    return run
      ? Promise.resolve().then(() => run(command.input as never))
      : Promise.reject(new Error(`${name}: not modelled`));
  }

  private readonly answers: Readonly<Record<string, (input: never) => unknown>> = {
    GetItemCommand: ({ Key, ConsistentRead }: GetItemCommandInput) => {
      const item = this.items.get(keyOf(Key!));
      this.spend('read', Key!, readUnits([item], ConsistentRead));
      return { Item: item };
    },
    BatchGetItemCommand: ({ RequestItems }: BatchGetItemCommandInput) => {
      const [[table, { Keys = [], ConsistentRead }]] = Object.entries(RequestItems!) as [
        [string, { Keys?: Item[]; ConsistentRead?: boolean }],
      ];
      const open = Keys.filter(
        (key) => !this.has('read', key, readUnits([this.items.get(keyOf(key))], ConsistentRead)),
      );
      if (open.length === Keys.length) throw this.refused();
      const found = Keys.filter((key) => !open.includes(key)).flatMap((key) =>
        [this.items.get(keyOf(key)) ?? []].flat(),
      );
      return {
        Responses: { [table]: found },
        UnprocessedKeys: open.length > 0 ? { [table]: { Keys: open, ConsistentRead } } : {},
      };
    },
    QueryCommand: ({ ExpressionAttributeValues, ExclusiveStartKey, ConsistentRead }: QueryCommandInput) => {
      const [partition] = Object.values(ExpressionAttributeValues!);
      const after = ExclusiveStartKey ? keyOf(ExclusiveStartKey) : '';
      const all = [...this.items].filter(([key, item]) => item.entity_id!.S === partition!.S && key > after).sort();
      const page: Item[] = [];
      for (let size = 0; page.length < all.length && size < PAGE_BYTES; size += sizeOf(page.at(-1)))
        page.push(all[page.length]![1]);
      this.spend('read', { entity_id: partition! }, readUnits(page, ConsistentRead));
      const last = page.at(-1);
      return {
        Items: page,
        ...(page.length < all.length && last && { LastEvaluatedKey: { entity_id: last.entity_id!, view: last.view! } }),
      };
    },
    PutItemCommand: (input: PutItemCommandInput) => {
      this.spend('write', input.Item!, writeUnits(input.Item!));
      this.put(input);
      return {};
    },
    TransactWriteItemsCommand: ({ TransactItems = [] }: TransactWriteItemsCommandInput) => {
      for (const { Put, Update, ConditionCheck } of TransactItems) {
        const key = Put?.Item ?? Update?.Key ?? ConditionCheck!.Key!;
        this.spend('write', key, 2 * writeUnits(Put?.Item ?? key));
        if (ConditionCheck && this.items.has(keyOf(ConditionCheck.Key!))) throw conditionFailed();
      }
      for (const { Put, Update } of TransactItems) {
        if (Put) this.put(Put);
        if (Update) {
          const changes = Number(this.items.get(keyOf(Update.Key!))?.changes?.N ?? 0) + 1;
          this.items.set(keyOf(Update.Key!), { ...Update.Key!, changes: { N: String(changes) } });
        }
      }
      return {};
    },
  };

  /** The two conditions that states are written under. */
  private put({
    Item,
    ConditionExpression,
    ExpressionAttributeValues,
  }: Pick<PutItemCommandInput, 'Item'> & Partial<PutItemCommandInput>): void {
    const key = keyOf(Item!);
    const before = this.items.get(key);
    const read = ExpressionAttributeValues?.[':read']?.N;
    const holds = read === undefined ? !ConditionExpression || !before : before?.version?.N === read;
    if (!holds) throw conditionFailed();
    this.items.set(key, Item!);
  }

  private spend(kind: Kind, key: Item, units: number): void {
    if (!this.has(kind, key, units)) throw this.refused();
  }

  /** Takes the units of a partition in this second, if it has them. */
  private has(kind: Kind, key: Item, units: number): boolean {
    const second = Math.floor(this.now / 1000);
    if (second !== this.second) for (const used of Object.values(this.used)) used.clear();
    this.second = second;
    const partition = key.entity_id!.S!;
    const used = (this.used[kind].get(partition) ?? 0) + units;
    if (used > this.limits[kind]) {
      this.throttled++;
      return false;
    }
    this.used[kind].set(partition, used);
    this.units[kind].set(partition, (this.units[kind].get(partition) ?? 0) + units);
    return true;
  }

  private refused(): Error {
    return new ProvisionedThroughputExceededException({ message: 'the partition has no units left', $metadata: {} });
  }
}

function conditionFailed(): Error {
  return new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} });
}

const keyOf = (key: Item) => `${key.entity_id!.S}\n${key.view!.S}`;

/** Names and values, about as DynamoDB counts them. */
function sizeOf(item: Item | undefined): number {
  return Object.entries(item ?? {}).reduce((sum, [name, value]) => sum + name.length + valueSize(value), 0);
}

function valueSize({ S, N, B, M }: AttributeValue): number {
  if (M) return 3 + sizeOf(M);
  return S?.length ?? N?.length ?? B?.length ?? 1;
}

function readUnits(items: readonly (Item | undefined)[], consistent = false): number {
  const bytes = items.reduce((sum, item) => sum + sizeOf(item), 0);
  return Math.max(1, Math.ceil(bytes / (4 * KB))) / (consistent ? 1 : 2);
}

function writeUnits(item: Item): number {
  return Math.max(1, Math.ceil(sizeOf(item) / KB));
}
