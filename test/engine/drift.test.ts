/** Drift as a process sees it batch by batch: counted by source, kept once, bounded whatever producers make up. */
import { expect, test } from '@jest/globals';
import { OTHER } from '../../core/admission/drift.ts';
import { DriftWatch } from '../../engine/ingest/drift.ts';
import { Faults } from '../../engine/memory/faults.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import { driftExample } from '../../names/reports.ts';
import { World } from './processor-world.ts';
import { ARRIVAL, purchase, record } from './use-case.ts';

const DAY = 86_400_000;
let now = ARRIVAL;
const watch = (lake = new MemoryLake(), faults?: Faults) => ({
  lake,
  drift: new DriftWatch(['till'], lake.port(faults), () => now),
});
const buy = (n: number, properties: object, source = 'till') =>
  record(purchase(`c-${n % 7}`, `e-${n}`, { source, properties: { amount: 100, shop: 'a', ...properties } }), n);

test('of a batch each difference is counted once a record, those of misrouted records when they come again', async () => {
  const { drift } = watch();
  const misrouted = record(purchase('c-1', 'm', { properties: { amount: 1, gift: true } }), 4, { key: 'another' });
  const batch = [buy(1, { gift: true }), buy(2, { gift: true, shop: 'z' }), buy(3, {}), misrouted];
  const result = await new World().run(batch, { drift });
  expect(result).toMatchObject({ admitted: 3, misrouted: 1, failed: null });
  const of = { source: 'till', event_type: 'buy', schema_version: 1 };
  const gift = { ...of, kind: 'unknown_field', field: 'properties.gift', found: 'boolean', allowed: null };
  const shop = { ...of, kind: 'grown_enum', field: 'properties.shop', found: 'string', allowed: 'enum' };
  expect(drift.take()).toEqual([
    { ...gift, records: 2 },
    { ...shop, records: 1 },
  ]);
  expect(drift.take()).toEqual([]);
});

test('only a declared source is a label; none and all others are one', async () => {
  const { drift } = watch();
  await new World().run([buy(1, { gift: 1 }, 'till'), buy(2, { gift: 1 }, 'stranger')], { drift });
  expect(drift.take().map((one) => [one.source, drift.label(one)])).toEqual([
    ['till', 'till'],
    ['stranger', OTHER],
  ]);
  expect(drift.label({ source: '' })).toBe(OTHER);
});

test('names and types are kept once a day, the same finding as the same object, whoever sees it', async () => {
  const lake = new MemoryLake();
  const [one, two] = [watch(lake).drift, watch(lake).drift];
  for (const drift of [one, two, one]) {
    await new World().run([buy(1, { gift: true })], { drift });
    await drift.keep(drift.take());
  }
  expect([...lake.objects.keys()]).toEqual([expect.stringMatching(/^reports\/drift\/dt=2017-06-01\/[\da-f]{24}\./)]);
  const [line] = [...lake.objects.values()][0]!;
  expect(driftExample.parse(line)).toMatchObject({ day: '2017-06-01', field: 'properties.gift', found: 'boolean' });
  now += DAY;
  await new World().run([buy(1, { gift: true })], { drift: one });
  await one.keep(one.take());
  expect(lake.objects.size).toBe(2);
  now = ARRIVAL;
});

test('what could not be written is written with the next batch that shows it', async () => {
  const lake = new MemoryLake();
  let down = true;
  const { drift } = watch(lake, new Faults(() => (down ? 'before' : 'none')));
  await new World().run([buy(1, { gift: true })], { drift });
  await expect(drift.keep(drift.take())).rejects.toThrow();
  down = false;
  await new World().run([buy(2, { gift: true })], { drift });
  await drift.keep(drift.take());
  expect(lake.objects.size).toBe(1);
});

test('a producer that makes up names fills no lake and makes no labels', async () => {
  const { lake, drift } = watch();
  const batch = Array.from({ length: 1000 }, (_, n) =>
    buy(n, { [`name_${n.toString(36)}_x`]: n }, `source_${n % 300}`),
  );
  await new World().run(batch, { drift });
  const found = drift.take();
  expect(found.length).toBeLessThan(250);
  expect(found.reduce((sum, { records }) => sum + records, 0)).toBe(1000);
  await drift.keep(found);
  expect(lake.objects.size).toBe(found.length);
  expect(new Set(found.map((one) => drift.label(one)))).toEqual(new Set([OTHER]));
});

test('an optional field that always came and comes no more is lost, one that comes now and then is not', async () => {
  const { drift } = watch();
  const world = new World();
  const run = (from: number, to: number, properties: (n: number) => object) =>
    world.run(
      Array.from({ length: to - from }, (_, i) => buy(from + i, properties(from + i))),
      { drift },
    );
  const seldom = (n: number) => (n % 20 === 0 ? { note: 'x' } : {});
  await run(0, 1000, (n) => seldom(n));
  expect(drift.take()).toEqual([]);
  await run(1000, 1150, (n) => ({ ...seldom(n), shop: null }));
  const lost = { kind: 'lost_field', field: 'properties.shop', found: 'undefined', allowed: 'enum', records: 51 };
  expect(drift.take()).toEqual([expect.objectContaining(lost)]);
  // It came back: nothing is lost any more.
  await run(1150, 1300, (n) => seldom(n));
  expect(drift.take()).toEqual([]);
});

test('the same of a field that was never there says nothing', async () => {
  const { drift } = watch();
  const batch = Array.from({ length: 600 }, (_, n) => buy(n, { shop: null }));
  await new World().run(batch, { drift });
  expect(drift.take()).toEqual([]);
});

test('the quarantine says whose record it holds, as far as that says it', async () => {
  const world = new World();
  await world.run([buy(1, { amount: 'much' }), record('{"event_id":', 2), buy(3, { amount: 'much' }, '')]);
  expect(world.lines.map(({ source }) => source)).toEqual(['till', null, null]);
});
