/** Customers who go on buying while everything else happens. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PutRecordCommand } from '@aws-sdk/client-kinesis';
import type { Session } from '../../cli/commands/demo/session.ts';
import { readScoresTable } from '../../cli/commands/demo/stages.ts';
import type { WireEvent } from '../../cli/commands/replay/bad-records.ts';

const PAUSE_MS = 700;

export class Traffic {
  readonly #session: Session;
  readonly #examples: readonly WireEvent[];
  /** When the last event of each entity that may be asked about was taken by the stream (ms UTC). */
  readonly #sent = new Map<string, number>();
  #running: Promise<void> | undefined;
  #stopped = false;
  #count = 0;

  /** @param examples events whose like are sent, one after the other, with an id and a time of their own */
  constructor(session: Session, examples: readonly WireEvent[]) {
    this.#session = session;
    this.#examples = examples;
  }

  start(): void {
    this.#stopped = false;
    this.#running = this.#run();
  }

  /** @throws what the stream refused */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** One event of now. */
  async send(): Promise<void> {
    const example = this.#examples[this.#count % this.#examples.length] as WireEvent;
    const number = this.#count++;
    const { kinesis } = this.#session.connection.clients;
    const now = Date.now();
    const event = { ...example, event_id: `live-${number}`, event_time: new Date(now).toISOString() };
    await kinesis.send(
      new PutRecordCommand({
        StreamName: this.#session.resources.get('stream'),
        PartitionKey: example.entity_id,
        Data: Buffer.from(JSON.stringify(event)),
      }),
    );
    this.#sent.set(example.entity_id, now);
  }

  /** When the last event of each entity was taken, as of now: what `unscored` is asked about. */
  sent(): ReadonlyMap<string, number> {
    return new Map(this.#sent);
  }

  /** Entities of which no score knows the event that was sent. */
  async unscored(sent: ReadonlyMap<string, number>): Promise<string[]> {
    const { scores } = await readScoresTable(this.#session);
    const scored = new Map(scores.map(({ entity_id, t }) => [entity_id, t]));
    return [...sent].filter(([id, at]) => (scored.get(id) ?? 0) < at).map(([id]) => id);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.send();
      await sleep(PAUSE_MS);
    }
  }
}
