/** A map that is code: a module of the use case's folder, bundled beside the source's function and read by it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { contract, count, defineUseCase, field, source } from '../../core/definition/define.ts';
import { type IntakeEnv, loadSource } from '../../lambdas/aws/intake.ts';
import { bundleFunction } from '../../lib/foundation/function-code.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-map-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const visit = contract('visit', 1, { fields: { pages: field.int() } });
const ir = defineUseCase({
  name: 'visits',
  entity: 'visitor',
  contracts: [visit],
  views: { v: { entity: 'visitor', features: { n: count({ of: visit, window: '7d' }) } } },
  sources: [source('old', { envelope: 'json', via: [{ kind: 'iot' }], mapWith: './maps/old.ts' })],
});

test('makes as many events of an item as it likes, and refuses what it throws on', async () => {
  mkdirSync(join(folder, 'maps'));
  writeFileSync(
    join(folder, 'maps', 'old.ts'),
    `import { twice } from './twice.ts';
     export default (body: any) => twice(body.visits.map((pages: number, i: number) => ({
       event_id: 'old:' + body.id + '-' + i, entity_id: body.who, event_type: 'visit', event_time: body.at,
       source: 'old', schema_version: 1, properties: { pages } })));`,
  );
  writeFileSync(join(folder, 'maps', 'twice.ts'), 'export const twice = <T>(all: T[]): T[] => all;');
  const document = join(folder, 'usecase.json');
  writeFileSync(document, JSON.stringify(ir));
  const out = join(folder, 'out');
  mkdirSync(out);
  bundleFunction(out, 'intake-http/handler.ts', { ir, document, folder }, './maps/old.ts');
  const { intake } = await loadSource(out, { SOURCE: 'old', CARRIAGE: 'iot' } as IntakeEnv);
  const context = { received_ms: 0, carriage: 'iot' as const };
  const good = intake(Buffer.from('{"id":1,"who":"ann","at":"2026-01-01T00:00:00Z","visits":[3,4]}'), context);
  expect(good.events.map(({ event_id, entity_id }) => [event_id, entity_id])).toEqual([
    ['old:1-0', 'ann'],
    ['old:1-1', 'ann'],
  ]);
  const bad = intake(Buffer.from('{"id":1,"who":"ann"}'), context);
  expect(bad.events).toEqual([]);
  expect(bad.refused.map(({ reason }) => reason)).toEqual(['INVALID_ENVELOPE']);
});
