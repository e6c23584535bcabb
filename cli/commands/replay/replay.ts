import { setTimeout as sleep } from 'node:timers/promises';
import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { z } from 'zod';
import { compileContracts } from '../../../core/admission/admit.ts';
import type { UseCaseIR } from '../../../core/ir/document.ts';
import { onlineView } from '../../../core/ir/parts.ts';
import { compareSequence } from '../../../core/state/state.ts';
import { DAY } from '../../../core/values/time.ts';
import { admission } from '../../../engine/evaluate/admission.ts';
import { featuresKey, SCORE_KIND, scoresKey } from '../../../names/keys.ts';
import { CliError } from '../../errors.ts';
import { requireGood } from '../../input/bad-lines.ts';
import type { Clients } from '../../stage/connection.ts';
import type { Resources } from '../../stage/resources.ts';
import { type Position, putAll, type StreamRecord } from '../../stage/stream-writer.ts';
import { readEvents as readAdmitted } from '../features/inputs.ts';
import type { WireEvent } from './bad-records.ts';

const POLL_MS = 150;
/** Nothing processed for this long: something is broken, and waiting would hide it. */
const STUCK_MS = 120_000;
const MAX_SWEEP_CALLS = 20;

export interface TimedEvent {
  /** When the event became known (ms UTC): the replay's clock. */
  readonly available_at: number;
  readonly event: WireEvent;
  /** As the file has it. @default - the event as JSON */
  readonly data?: Uint8Array;
}

/**
 * The events of files, folders or patterns in the order in which they became known: what each says itself, else its time by
 * its contract plus the use case's lag.
 * @throws CliError with exit code 2 that names every line its contract refuses, or a file that can't be read wholly
 */
export async function readEvents(files: readonly string[], ir: UseCaseIR): Promise<TimedEvent[]> {
  const read = await readAdmitted(files, compileContracts(ir.contracts), admission(ir.replay.available_lag_ms));
  requireGood('events, none was sent', read.bad);
  const events = read.good.map(({ event: { available_at }, data }): TimedEvent => {
    const event = JSON.parse(Buffer.from(data).toString('utf8')) as WireEvent;
    return { available_at, event, data };
  });
  return events.sort((a, b) => a.available_at - b.available_at || (a.event.event_id < b.event.event_id ? -1 : 1));
}

export interface ReplayDay {
  /** The end of the day: the instant of the sweep (ms UTC). */
  readonly now: number;
  readonly events: readonly TimedEvent[];
}

/** One entry a UTC day from `from` (a midnight) up to the last event, also for days without events: silence needs them. */
export function byDay(events: readonly TimedEvent[], from: number): ReplayDay[] {
  const last = events.at(-1)?.available_at ?? from;
  const days: ReplayDay[] = [];
  let at = 0;
  for (let start = from; start <= last; start += DAY) {
    const first = at;
    while (at < events.length && (events[at] as TimedEvent).available_at < start + DAY) at += 1;
    days.push({ now: start + DAY, events: events.slice(first, at) });
  }
  return days;
}

export interface ReplayOptions {
  readonly clients: Clients;
  readonly resources: Resources;
  readonly ir: UseCaseIR;
  readonly signal: AbortSignal | undefined;
  /** Records a second; undefined: as fast as the stream takes them. */
  readonly rate?: number;
}

const sweepAnswer = z.looseObject({
  looked_at: z.number(),
  scored: z.number(),
  alerts: z.number(),
  complete: z.boolean(),
  waits_for: z.string().optional(),
});
export type SweepAnswer = z.infer<typeof sweepAnswer>;

/** Sends days of events and invokes the sweep at the end of each, as a schedule would that lives in the events' time. */
export class Replayer {
  readonly #options: ReplayOptions;
  readonly #last = new Map<string, { entity: string; sequence: string; available_at: number }>();
  #sent = 0;
  #retried = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** Records the stream took so far, with those that were not counted as events. */
  get sent(): number {
    return this.#sent;
  }

  get retried(): number {
    return this.#retried;
  }

  /** Puts good events, in order. */
  async sendEvents(events: readonly TimedEvent[], onProgress: (taken: number) => void = () => {}): Promise<void> {
    const records = events.map(({ event, available_at, data }) => ({
      data: data ?? Buffer.from(JSON.stringify(event)),
      partitionKey: event.entity_id,
      available_at,
    }));
    await this.#put(records, onProgress, ({ partitionKey, available_at }, { shard, sequence }) => {
      const before = this.#last.get(shard);
      if (before && compareSequence(before.sequence, sequence) >= 0) return;
      this.#last.set(shard, { entity: partitionKey, sequence, available_at });
    });
  }

  /** Puts records as they are, good or bad. @returns each with where the stream put it */
  async sendRaw<R extends StreamRecord>(records: readonly R[]): Promise<(R & Position)[]> {
    const placed: (R & Position)[] = [];
    await this.#put(
      records,
      () => {},
      (record, position) => placed.push({ ...record, ...position }),
    );
    return placed;
  }

  /** The last good event of each shard. */
  lastPositions(): Position[] {
    return [...this.#last].map(([shard, { sequence }]) => ({ shard, sequence }));
  }

  async #put<R extends StreamRecord>(
    records: readonly R[],
    onProgress: (taken: number) => void,
    onTaken: (record: R, position: Position) => void,
  ): Promise<void> {
    const { clients, resources, rate, signal } = this.#options;
    const size = rate ? Math.max(1, Math.floor(rate)) : records.length;
    for (let at = 0; at < records.length; at += size) {
      signal?.throwIfAborted();
      const started = Date.now();
      const part = records.slice(at, at + size);
      const written = await putAll(clients.kinesis, resources.get('stream'), part, {
        onProgress: (taken) => onProgress(at + taken),
        onTaken,
      });
      this.#sent += written.records;
      this.#retried += written.retried;
      if (rate && at + size < records.length)
        await sleep(Math.max(0, 1_000 - (Date.now() - started)), undefined, { signal });
    }
  }

  /** Waits until the last good event of every shard is in its state: then all before it are, too. */
  caughtUp(): Promise<void> {
    const { clients, resources, ir } = this.#options;
    const view = onlineView(ir).version;
    return this.#eachShard('The stream processor', async (shard, { entity, sequence }) => {
      const seen = await watermark(clients.dynamodb, resources.get('featuresTable'), entity, view, shard);
      return seen !== undefined && compareSequence(seen, sequence) >= 0;
    });
  }

  /** Waits until the entity of the last event of every shard has a score that knows it. */
  scored(): Promise<void> {
    const { clients, resources } = this.#options;
    return this.#eachShard('The scorer', async (_, { entity, available_at }) => {
      const t = await scoredAt(clients.dynamodb, resources.get('scoresTable'), entity);
      return t !== undefined && t > available_at;
    });
  }

  async #eachShard(
    who: string,
    reached: (shard: string, last: { entity: string; sequence: string; available_at: number }) => Promise<boolean>,
  ): Promise<void> {
    const open = new Map(this.#last);
    const deadline = Date.now() + STUCK_MS;
    for (;;) {
      for (const [shard, last] of open) if (await reached(shard, last)) open.delete(shard);
      if (open.size === 0) return;
      if (Date.now() > deadline) {
        const shards = [...open.keys()].join(', ');
        throw new CliError(
          `${who} did not reach the last event of ${shards} within ${STUCK_MS / 1000} s: look at its log group.`,
        );
      }
      await sleep(POLL_MS, undefined, { signal: this.#options.signal });
    }
  }

  /** Scores whoever fell silent, with the replay's clock at `now` (ms UTC); again, while the answer says that time ran out. */
  async sweep(now: number): Promise<SweepAnswer> {
    const { clients, resources, signal } = this.#options;
    const total = { looked_at: 0, scored: 0, alerts: 0 };
    for (let call = 0; call < MAX_SWEEP_CALLS; call += 1) {
      signal?.throwIfAborted();
      const answer = await invokeSweep(clients.lambda, resources.get('sweepFunction'), now);
      if (answer.waits_for) throw new CliError(`The sweep can score nobody yet: ${answer.waits_for}.`);
      total.looked_at = Math.max(total.looked_at, answer.looked_at);
      total.scored += answer.scored;
      total.alerts += answer.alerts;
      if (answer.complete) {
        // Alerts that wait have their turn at the end of the day.
        const dispatcher = resources.find('dispatcherFunction');
        if (dispatcher !== undefined) await invoke(clients.lambda, dispatcher, { now }, 'dispatcher');
        return { ...total, complete: true };
      }
    }
    throw new CliError(`The sweep was not complete after ${MAX_SWEEP_CALLS} calls; give its function more time.`);
  }
}

async function watermark(
  client: DynamoDBClient,
  table: string,
  entity: string,
  view: string,
  shard: string,
): Promise<string | undefined> {
  const { Item } = await client.send(
    new GetItemCommand({
      TableName: table,
      Key: featuresKey(entity, view),
      ConsistentRead: true,
      ProjectionExpression: 'watermarks',
    }),
  );
  return Item?.watermarks?.M?.[shard]?.S;
}

async function scoredAt(client: DynamoDBClient, table: string, entity: string): Promise<number | undefined> {
  const { Item } = await client.send(
    new GetItemCommand({
      TableName: table,
      Key: scoresKey(entity, SCORE_KIND),
      ConsistentRead: true,
    }),
  );
  return Item?.t?.N === undefined ? undefined : Number(Item.t.N);
}

async function invokeSweep(client: LambdaClient, name: string, now: number): Promise<SweepAnswer> {
  const answer = sweepAnswer.safeParse(JSON.parse((await invoke(client, name, { now }, 'sweep')) || 'null'));
  if (!answer.success) throw new CliError(`The sweep answered something unexpected: ${z.prettifyError(answer.error)}`);
  return answer.data;
}

/** @param what it is called in a sentence. @returns its answer. @throws CliError */
async function invoke(client: LambdaClient, name: string, event: object, what: string): Promise<string> {
  const { FunctionError, Payload } = await client.send(
    new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(event)) }),
  );
  const text = Buffer.from(Payload ?? []).toString('utf8');
  if (FunctionError) throw new CliError(`The ${what} failed (${FunctionError}): ${text.slice(0, 400)}`);
  return text;
}
