/** A stream whose producer changes, and the contracts before and after somebody has seen to it. */
import { compileContracts } from '../../core/admission/admit.ts';
import { contract, count, countDistinct, defineUseCase, field, last, sum } from '../../core/definition/define.ts';
import type { CanonicalEvent, FeatureValue } from '../../core/ir/document.ts';
import { finalise } from '../../core/state/finalise.ts';
import { emptyState } from '../../core/state/state.ts';
import { rebuilt, throughBytes } from '../../engine/evaluate/healed.ts';
import { archivable } from '../../engine/ingest/archivable.ts';
import type { ProcessorRules } from '../../engine/ingest/batch.ts';
import { DriftWatch } from '../../engine/ingest/drift.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { type QuarantineLine, writeQuarantine } from '../../engine/ingest/quarantine.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { MemoryStates } from '../../engine/memory/states.ts';
import type { QuarantineObject } from '../../engine/quarantine/lines.ts';
import {
  type RedrivePorts,
  type RedriveReport,
  type RedriveRules,
  redriveLines,
} from '../../engine/quarantine/redrive.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { compileUseCase } from '../../engine/use-case.ts';
import { PREFIX } from '../../names/lake.ts';

const START = Date.UTC(2026, 2, 1, 9);
const money = (from?: string) => ({ ...field.decimal(2, { min: 0, max: 1_000_000 }), ...(from ? { from } : {}) });

function useCase(channels: readonly string[], lostStore: boolean, more: boolean) {
  const order = contract('order', 1, {
    fields: {
      amount: money(),
      channel: field.enum(channels, { required: false }),
      store: field.string({ required: !lostStore }),
      ...(more ? { currency: field.string({ required: false, maxLength: 3 }) } : {}),
    },
  });
  // The producer's next version says `total`, and has no store.
  const next = contract('order', 2, {
    fields: { amount: money('total'), channel: field.enum(channels, { required: false }) },
  });
  const refund = contract('refund', 1, { fields: { amount: money() } });
  const features = {
    orders: count({ of: order, window: '7d' }),
    spend: sum({ of: order.amount, window: '7d' }),
    channels: countDistinct({ of: order.channel, window: 'lifetime' }),
    last_amount: last({ of: order.amount, window: 'lifetime' }),
  };
  const contracts = more ? [order, next, refund] : [order];
  return compileUseCase(
    defineUseCase({ name: 'shop', entity: 'customer', contracts, views: { buying: { entity: 'customer', features } } }),
  );
}

export const BEFORE = useCase(['web', 'shop'], false, false);
export const AFTER = useCase(['web', 'shop', 'app'], true, true);
type Version = typeof BEFORE;

export const KINDS = ['good', 'new', 'lost', 'grown', 'version', 'type', 'retyped', 'gone'] as const;
/** What a producer sends; the last two can be read by no contract of ours. */
export type Kind = (typeof KINDS)[number];
export const NEVER: ReadonlySet<Kind> = new Set(['retyped', 'gone']);

export interface Sent {
  readonly kind: Kind;
  readonly customer: number;
  /** The event before it that it is a copy of, to the byte. @default - none */
  readonly repeats?: number;
}

const PROPERTIES: Readonly<Record<Kind, (n: number) => object>> = {
  good: (n) => ({ amount: `${n}.10`, channel: 'web', store: 's' }),
  new: (n) => ({ amount: `${n}.20`, store: 's', currency: 'EUR' }),
  lost: (n) => ({ amount: `${n}.30`, channel: 'shop' }),
  grown: (n) => ({ amount: `${n}.40`, channel: 'app', store: 's' }),
  version: (n) => ({ total: `${n}.50`, channel: 'web' }),
  type: (n) => ({ amount: `${n}.60` }),
  retyped: (n) => ({ amount: { value: n }, store: 's' }),
  gone: () => ({ store: 's' }),
};

/** ms UTC of the event; each arrives a second later. */
const timeOf = (n: number) => START + n * 60_000;

export function recordOf({ kind, customer, repeats }: Sent, n: number): StreamRecord {
  const entity_id = `c-${customer}`;
  const first = repeats ?? n;
  const event = {
    event_id: `e-${first}`,
    ...{ entity_id, event_time: new Date(timeOf(first)).toISOString(), source: 'shop' },
    event_type: kind === 'type' ? 'refund' : 'order',
    schema_version: kind === 'version' ? 2 : 1,
    properties: PROPERTIES[kind](first),
  };
  const data = Buffer.from(JSON.stringify(event));
  const position = { shard_id: 's-0', sequence_number: String(n + 1), arrival_ms: timeOf(n) + 1_000 };
  return { position: { ...position, partition_key: entity_id }, data };
}

const ADMIT = { replay: false, available_lag_ms: 0, max_bytes: 100_000 };
const rulesOf = ({ ir, plan }: Version): ProcessorRules => ({
  ...{ contracts: compileContracts(ir.contracts), plan, admit: ADMIT },
});

/** The stream processor, the archive and the quarantine of one deployment, in memory. */
export class Shop {
  readonly lake = new MemoryLake();
  readonly drift = new DriftWatch(['shop'], this.lake.port(), () => START);
  readonly marked = new Map<string, number>();
  version: Version;
  private states: MemoryStates;
  private archive: CanonicalEvent[] = [];
  private sequence = 1_000_000;

  constructor(version: Version) {
    this.version = version;
    this.states = new MemoryStates(version.plan);
  }

  async take(records: readonly StreamRecord[]): Promise<void> {
    const rules = rulesOf(this.version);
    const archived = archivable(records, rules.contracts, rules.admit);
    await processBatch(records, rules, {
      states: this.states,
      quarantine: (lines) => writeQuarantine(this.lake.port(), lines),
      reroute: () => Promise.reject(new Error('nothing is misrouted here')),
      clock: null,
      drift: this.drift,
      onFailure: (error) => {
        throw error;
      },
    });
    const known = new Set(this.archive.map(({ entity_id, event_id }) => `${entity_id} ${event_id}`));
    this.archive.push(...archived.filter(({ entity_id, event_id }) => !known.has(`${entity_id} ${event_id}`)));
  }

  /** As a deployment does it: the states of the new version are made of the archive. */
  async upgrade(to: Version): Promise<void> {
    const { plan } = to;
    this.version = to;
    this.states = new MemoryStates(plan);
    for (const id of new Set(this.archive.map(({ entity_id }) => entity_id))) {
      const facts = this.archive.filter(({ entity_id }) => entity_id === id);
      await this.states.write(id, throughBytes(plan, rebuilt(plan, facts, undefined)), null);
    }
  }

  /** @param over ports that fail, and the like */
  redrive(rules: Partial<RedriveRules> = {}, over: Partial<RedrivePorts> = {}): Promise<RedriveReport> {
    const { contracts, admit } = rulesOf(this.version);
    const all = { contracts, admit, wanted: {}, now: START + 86_400_000, dryRun: false, portion: 7 };
    return redriveLines(
      { ...all, limit: Number.POSITIVE_INFINITY, ...rules },
      {
        objects: this.objects(),
        marked: this.marked,
        put: (records) =>
          this.take(
            records.map(({ partitionKey, data }) => {
              const sequence_number = String(++this.sequence);
              const position = { shard_id: 's-0', sequence_number, arrival_ms: START + 86_400_000 };
              return { position: { ...position, partition_key: partitionKey }, data };
            }),
          ),
        giveBack: async () => null,
        mark: async (_, positions) => {
          for (const position of positions) this.marked.set(position, START + 86_400_000);
        },
        pace: async () => {},
        ...over,
      },
    );
  }

  async *objects(): AsyncGenerator<QuarantineObject> {
    for (const [key, lines] of [...this.lake.objects])
      if (key.startsWith(PREFIX.quarantine))
        yield { key, day: '2026-03-01', shard: 's-0', lines: lines as readonly QuarantineLine[] };
  }

  get lines(): QuarantineLine[] {
    return [...this.lake.objects].flatMap(([key, lines]) =>
      key.startsWith(PREFIX.quarantine) ? (lines as QuarantineLine[]) : [],
    );
  }

  /** Of each customer, the features a week after it all. */
  async values(customers: number): Promise<FeatureValue[][]> {
    const { plan } = this.version;
    const ids = Array.from({ length: customers }, (_, n) => `c-${n}`);
    const stored = await this.states.read(ids);
    return ids.map((id) => finalise(plan, stored.get(id)?.state ?? emptyState(plan), START + 6 * 86_400_000));
  }
}
