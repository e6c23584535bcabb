/** From the outbox to Slack: the real publisher and the real notifier, and between them a topic that delivers at least once. */

import type { HandedOver } from '../../engine/alerting/hand-over.ts';
import { type Announcement, notificationOf } from '../../engine/alerting/message.ts';
import type { Outbox } from '../../engine/alerting/send.ts';
import { type AlertKey, LEASE_MS } from '../../engine/alerting/send.ts';
import { type Fault, Faults } from '../../engine/memory/faults.ts';
import type { MemoryScores } from '../../engine/memory/scores.ts';
import { alertItem, alertOf } from '../../lambdas/aws/dynamo/alert-item.ts';
import type { Chance } from './chance.ts';
import type { Ground } from './ground.ts';

/** ms: the notifier's time-out. */
const TIMEOUT = 30_000;
/** ms that a slow call is on its way at most: less than what is left of the lease when the notifier is ended. */
const SLOW = 14_000;
/** ms that Lambda waits before it tries an asynchronous invocation again; then it is a dead letter. */
const RETRY_AFTER = [60_000, 120_000];
/** ms until an operator puts the dead letters again. */
const OPERATOR = 1_800_000;

interface Row {
  readonly item: ReturnType<typeof alertItem>;
  status: 'pending' | 'sending' | 'sent';
  lease_until: number;
}

/** One call of the notifier that posted. `hurt`: it ended by a fault, so that nobody knows whether it did. */
interface Post {
  hurt: boolean;
}

export class Alerting {
  private readonly world: Ground;
  /** Of its own: what it draws changes nothing else in a seed. */
  private readonly chance: Chance;
  private readonly rates: {
    readonly slow: number;
    readonly lost: number;
    readonly crash: number;
    readonly repeated: number;
  };
  /** The outbox, by key. */
  private readonly rows = new Map<string, Row>();
  /** As the table's stream tells them. */
  private readonly inserts: Row['item'][] = [];
  private readonly posts = new Map<string, Post[]>();
  /** Inserts before this one are published. */
  private next = 0;
  private publishing = false;

  constructor(world: Ground, scores: MemoryScores) {
    this.world = world;
    this.chance = world.chance.fork(2);
    const rate = (most: number) => (this.chance.of(0.3) ? 0 : this.chance.float() * most);
    this.rates = { slow: rate(0.3), lost: rate(0.3), crash: rate(0.1), repeated: rate(0.5) };
    scores.alerted = (record, alert) => {
      const item = alertItem(record, alert);
      this.rows.set(idOf({ entity_id: record.entity_id, kind: item.kind!.S! }), {
        item,
        status: 'pending',
        lease_until: 0,
      });
      this.inserts.push(item);
      if (!this.publishing) world.run(() => this.publish());
    };
  }

  erase(entity: string): void {
    for (const [id, { item }] of this.rows) if (item.entity_id?.S === entity) this.rows.delete(id);
  }

  holds(entity: string): boolean {
    return [...this.rows.values()].some(({ item }) => item.entity_id?.S === entity);
  }

  /** Every alert was sent. */
  check(): void {
    for (const [id, { status }] of this.rows) {
      if (!this.posts.has(id)) this.world.violated(`${id}: an alert was lost, and is ${status} in the outbox`);
      else if (status !== 'sent') this.world.violated(`${id}: an alert was sent, and is ${status} in the outbox`);
    }
  }

  private fails(probability: number): boolean {
    return this.chance.of(this.world.calm ? 0 : probability);
  }

  /** The stream of the table: in order, again from the first that failed, and now and then some of before. */
  private async publish(): Promise<void> {
    const { world, chance } = this;
    this.publishing = true;
    while (this.next < this.inserts.length) {
      await world.time.sleep(chance.int(200));
      const old = this.next > 0 && this.fails(world.profile.strays);
      const from = old ? chance.int(this.next) : this.next;
      const some = this.inserts.slice(from, from + 1 + chance.int(10));
      const { failed } = await this.handOver(some);
      if (old || failed !== null) world.note('alert published again');
      if (!old) this.next = from + (failed ?? some.length);
      if (failed !== null) await world.time.sleep(1000);
    }
    this.publishing = false;
  }

  private async handOver(inserts: readonly Row['item'][]): Promise<HandedOver> {
    const { world } = this;
    const faults = this.faults({ hurt: false });
    const publish = (alert: Announcement) => faults.run('put', () => this.take(alert));
    const handed = await world.sandbox.handOver(inserts.map(alertOf), publish, () => {});
    return faults.ended ? { published: 0, failed: 0 } : handed;
  }

  /** The topic. */
  private take(alert: Announcement): void {
    const { entity_id, kind } = notificationOf(alert).MessageAttributes;
    const key = { entity_id: entity_id.StringValue, kind: kind.StringValue };
    this.world.run(() => this.deliver(key));
    while (this.fails(this.rates.repeated)) {
      this.world.note('message that comes again');
      this.world.run(() => this.deliver(key));
    }
  }

  private async deliver(key: AlertKey): Promise<void> {
    const { world, chance } = this;
    await world.time.sleep(chance.int(chance.pick([100, 100, 5 * LEASE_MS])));
    for (let attempt = 0; !(await this.notify(key)); attempt++) {
      const wait = RETRY_AFTER[attempt % (RETRY_AFTER.length + 1)];
      if (wait === undefined) world.note('alert in the dead letters');
      await world.time.sleep(wait ?? OPERATOR);
    }
  }

  /** @returns whether the invocation succeeded */
  private async notify(key: AlertKey): Promise<boolean> {
    const { world } = this;
    const call: Post = { hurt: false };
    const faults = this.faults(call);
    const post = () => faults.run('put', () => this.post(idOf(key), call));
    const work = world.sandbox
      .send(this.port(faults), key, post, () => world.now)
      .then(
        () => true,
        () => false,
      );
    const timeout = world.time.alarm(TIMEOUT);
    const answer = await Promise.race([work, timeout.rung.then(() => 'time-out' as const)]);
    timeout.cancel();
    if (answer !== 'time-out') return answer;
    call.hurt = true;
    faults.end();
    world.run(async () => void (await work));
    return false;
  }

  /** An alert comes a second time only where nobody can know whether it came a first. */
  private post(id: string, call: Post): void {
    const before = this.posts.get(id) ?? [];
    if (before.length > 0) this.world.note('alert sent again');
    if (before.some(({ hurt }) => !hurt)) this.world.violated(`${id}: an alert was sent twice, and nothing went wrong`);
    this.posts.set(id, [...before, call]);
  }

  /** What lambdas/notifier/outbox.ts does, each of its requests at one instant. */
  private port(faults: Faults): Outbox {
    return {
      claim: (key, now) =>
        faults.run('write', () => {
          const row = this.rows.get(idOf(key));
          if (!row) return 'gone';
          if (row.status === 'sent') return 'sent';
          if (row.status === 'sending' && row.lease_until >= now) return 'taken';
          Object.assign(row, { status: 'sending', lease_until: now + LEASE_MS });
          return alertOf(row.item)!;
        }),
      markSent: (key) => faults.run('write', () => this.set(key, 'sent')),
      release: (key) => faults.run('write', () => this.set(key, 'pending')),
    };
  }

  private set(key: AlertKey, status: Row['status']): void {
    const row = this.rows.get(idOf(key));
    if (row?.status !== 'sending') throw new Error('the conditional request failed');
    row.status = status;
  }

  private faults(call: Post): Faults {
    const { world, chance } = this;
    const way = () => world.time.sleep(this.fails(this.rates.slow) ? chance.int(SLOW) : 1 + chance.int(20));
    return new Faults(() => {
      const fault = this.draw();
      if (fault !== 'none') call.hurt = true;
      return fault;
    }, way);
  }

  private draw(): Fault {
    const { lost, crash } = this.rates;
    if (this.world.down) return 'before';
    if (this.fails(lost)) return this.chance.pick(['before', 'after'] as const);
    return this.fails(crash) ? this.chance.pick(['crash-before', 'crash-after'] as const) : 'none';
  }
}

const idOf = ({ entity_id, kind }: AlertKey) => `${entity_id} ${kind}`;
