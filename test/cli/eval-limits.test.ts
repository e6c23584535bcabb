/** `features eval --engine stream` holds what production holds: a state beyond the limit takes no more events. */
import { describe, expect, test } from '@jest/globals';
import { objectOf } from '../../cli/input/event-line.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import { contract, count, type Feature, field, lastK } from '../../core/definition/define.ts';
import { namesOf } from '../../core/definition/feature.ts';
import { hashOf, versionOf } from '../../core/definition/hash.ts';
import { withPlan } from '../../core/definition/plan.ts';
import { FEATURE } from '../../core/definition/symbols.ts';
import type { FeatureViewIR } from '../../core/ir/document.ts';
import { DAY, HOUR } from '../../core/values/time.ts';
import { evaluateByOracle } from '../../engine/evaluate/oracle.ts';
import { evaluateByStream } from '../../engine/evaluate/stream.ts';
import { BadRequestError, parseRequest } from '../../lambdas/api/requests.ts';
import { evaluation } from '../conformance/features.ts';

const LONG = 4096;
const note = contract('note', 1, {
  fields: { a: field.string({ maxLength: LONG }), b: field.string({ maxLength: LONG }) },
});

function viewOf(specs: Readonly<Record<string, Feature>>): FeatureViewIR {
  const names = namesOf(specs);
  const features = [...names].map(([feature, name]) => feature[FEATURE].compile(name, names));
  const dedupe = { horizon_ms: 3 * DAY, cap: 256 };
  const body = { name: 'notes', entity: 'customer', features, dedupe, retractions: null, retention_ms: null };
  const definition_hash = hashOf(body, [contractIR(note)]);
  return withPlan({ ...body, definition_hash, version: versionOf(body.name, definition_hash) });
}

describe('a state that can hold 64 notes of 8 KiB', () => {
  const view = viewOf({
    n: count({ of: note, window: 'lifetime' }),
    a: lastK({ of: note.a, k: 64, window: 'lifetime' }),
    b: lastK({ of: note.b, k: 64, window: 'lifetime' }),
  });
  const START = Date.UTC(2026, 2, 1);
  const events = Array.from({ length: 60 }, (_, i) => ({
    event_id: `e${i}`,
    entity_id: 'ann',
    event_type: 'note',
    event_time: new Date(START + i * HOUR).toISOString(),
    source: 'till',
    schema_version: 1,
    properties: { a: `${i}`.padEnd(LONG, 'x'), b: `${i}`.padEnd(LONG, 'y') },
  }));
  const queries = [{ entity_id: 'ann', t: START + 10 * DAY }];

  test.each([1, 10])('is refused what would make it larger than an item may be, in batches of %i', async (batch) => {
    const asked = await evaluation([contractIR(note)], view, events, queries, 'asof');
    const { vectors, repairs } = await evaluateByStream(asked, { batch, heal: true });
    const kept = vectors[0]![0] as number;
    // 350 KiB hold 43 notes of 8 KiB.
    expect(kept).toBe(batch === 1 ? 43 : 40);
    expect(repairs).toMatchObject({ oversize: events.length - kept });
    expect(evaluateByOracle(asked)[0]![0]).toBe(60);
  });
});

test.each(['', 'a\0', 'a\nb', '\ud83d', '\u2028', 'x'.repeat(257)])('no way in takes the entity %j', (entity_id) => {
  expect(objectOf(Buffer.from(JSON.stringify({ entity_id })))).toMatchObject({ reason: 'MISSING_ENTITY' });
  expect(() => parseRequest(JSON.stringify({ entity_ids: [entity_id] }))).toThrow(BadRequestError);
});

test('every way in counts an entity by code points', () => {
  const entity_id = '😀'.repeat(256);
  expect(objectOf(Buffer.from(JSON.stringify({ entity_id })))).toHaveProperty('object');
  expect(parseRequest(JSON.stringify({ entity_ids: [entity_id] })).entity_ids).toEqual([entity_id]);
  expect(() => parseRequest(JSON.stringify({ entity_ids: ['#fence'] }))).toThrow('does not start with #');
});
