/** Odd records by the ways that are no requests: buses, streams, topics, tables' streams, log groups, devices. */
import { gzipSync } from 'node:zlib';
import { compileSource } from '../../core/intake/intake.ts';
import type { CarriageKind } from '../../core/ir/document.ts';
import { type IntakePorts, take } from '../../engine/intake/take.ts';
import storefront from '../../usecases/storefront/index.ts';
import samplesAt from '../../usecases/storefront/samples.ts';
import { Chance } from '../simulation/chance.ts';
import { type DoorRun, heapNow } from './doors.ts';
import { damaged, oddBody } from './odd-bodies.ts';

const CUSTOMER = 'c-1';
const NOW = Date.UTC(2026, 10, 1);
const GROWTH = 4 * 1024 * 1024;
const SLOW_MS = 2000;

const base64 = (text: string) => Buffer.from(text).toString('base64');
const bodyOf = (source: string, via: string): string => {
  const found = samplesAt(CUSTOMER, NOW).find((one) => one.source === source && one.via === via)!;
  return typeof found.body === 'string' ? found.body : JSON.stringify(found.body);
};

/** A record of each way as its handler hands it to the source. */
const GOOD: Readonly<Record<string, { readonly carriage: CarriageKind; readonly record: string }>> = {
  billing: { carriage: 'bus', record: bodyOf('billing', 'bus') },
  crm: { carriage: 'bus', record: bodyOf('crm', 'bus') },
  service_logs: {
    carriage: 'logs',
    record: JSON.stringify({
      messageType: 'DATA_MESSAGE',
      owner: '123456789012',
      logGroup: '/app',
      logStream: 'one',
      subscriptionFilters: ['all'],
      logEvents: [{ id: '3', timestamp: NOW, message: bodyOf('service_logs', 'logs') }],
    }),
  },
  devices: {
    carriage: 'iot',
    record: JSON.stringify({ topic: 'devices/1/usage', timestamp: NOW, data: base64(bodyOf('devices', 'iot')) }),
  },
  orders_db: { carriage: 'kinesis', record: bodyOf('orders_db', 'kinesis') },
  marketplace: {
    carriage: 'kafka',
    record: JSON.stringify({
      ...{ topic: 'orders', partition: 0, offset: 5, timestamp: NOW, timestampType: 'CREATE_TIME', headers: [] },
      key: base64('{"id":3}'),
      value: base64(bodyOf('marketplace', 'kafka')),
    }),
  },
  profiles: {
    carriage: 'dynamodb',
    record: JSON.stringify({
      eventID: 'e1',
      eventName: 'INSERT',
      eventSourceARN: 'arn:aws:dynamodb:us-east-1:123456789012:table/profiles/stream/2026-01-01T00:00:00.000',
      dynamodb: {
        ApproximateCreationDateTime: NOW / 1000,
        Keys: { customer: { S: CUSTOMER } },
        NewImage: { customer: { S: CUSTOMER }, changed: { S: 'newsletter' } },
        SequenceNumber: '111',
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    }),
  },
};

export const WAYS = Object.keys(GOOD);

/** Every record is an event, in the quarantine, ignored, a gap, or comes again; and nothing is thrown. */
export async function fuzzWay(source: string, seed: number, records: number): Promise<DoorRun> {
  const chance = new Chance(seed);
  const { carriage, record } = GOOD[source]!;
  const ir = storefront.sources!.find(({ name }) => name === source)!;
  const intake = compileSource(ir, storefront.contracts);
  const problems: string[] = [];
  const counts: Record<string, number> = { events: 0, refused: 0, ignored: 0, gaps: 0, again: 0, nothing: 0 };
  let [early, slowest] = [0, 0];
  for (let i = 0; i < records; i++) {
    if (i === Math.floor(records / 10)) early = await heapNow();
    const odd = Buffer.from(oddBody(record, chance));
    const packed = carriage === 'logs' && chance.of(0.7) ? gzipSync(odd) : odd;
    const raw = packed !== odd && chance.of(0.2) ? damaged(packed, chance) : packed;
    const refusing = chance.of(0.03);
    const from = performance.now();
    const kept = { refused: 0, gaps: 0, put: 0 };
    const ports: IntakePorts = {
      stream: {
        put: async (put) => {
          if (refusing) throw new Error('refused');
          for (const { partition_key, data } of put) kept.put += checked(partition_key, data, problems, i);
          return put.map(() => true);
        },
      },
      refuse: async (some) => {
        kept.refused += some.length;
      },
      gaps: async (some) => {
        kept.gaps += some.length;
      },
      erase: async () => {},
    };
    const way = { name: source, carriage, intake };
    const context = { received_ms: NOW, carriage };
    try {
      const result = await take([{ raw, context }], way, ports, { pause: async () => {} });
      const ignored = [...result.ignored.values()].reduce((sum, n) => sum + n, 0);
      if (result.events !== kept.put) problems.push(`${source}, record ${i}: said ${result.events}, put ${kept.put}`);
      if (refusing && kept.put > 0) problems.push(`${source}, record ${i}: put what was refused`);
      counts.events! += kept.put;
      counts.refused! += kept.refused;
      counts.ignored! += ignored;
      counts.gaps! += kept.gaps;
      counts.again! += result.failed.length;
      // Control messages and tombstones say nothing, on purpose.
      if (kept.put + kept.refused + ignored + kept.gaps + result.failed.length + result.erased === 0)
        counts.nothing! += 1;
    } catch (error) {
      problems.push(`${source}, record ${i}: raised ${String(error)}`);
    }
    const ms = performance.now() - from;
    slowest = Math.max(slowest, ms);
    if (ms > SLOW_MS) problems.push(`${source}, record ${i}: took ${Math.round(ms)} ms`);
  }
  const late = await heapNow();
  if (records >= 10_000 && late - early > GROWTH) problems.push(`${source}: the heap grew by ${late - early} bytes`);
  return { problems, counts, heap: [early, late], slowest: Math.round(slowest) };
}

/** @returns the events of a record of the stream */
function checked(key: string, data: Uint8Array, problems: string[], record: number): number {
  const lines = Buffer.from(data).toString().split('\n');
  for (const line of lines) {
    const { event_id, entity_id, source } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const right = typeof event_id === 'string' && event_id.startsWith(`${source}:`) && [...event_id].length <= 128;
    if (!right || (key.length <= 256 && key !== entity_id && String(entity_id).length <= 256))
      problems.push(`record ${record}: an event without a right id or key`);
  }
  return lines.length;
}
