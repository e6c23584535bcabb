/** The three engines of `features eval` against the public cases, and against each other on random definitions. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { evaluateBySpark } from '../../cli/commands/features/spark.ts';
import { contractIR } from '../../core/definition/contracts.ts';
import { contract, field } from '../../core/definition/define.ts';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import { hash53 } from '../../core/values/hash.ts';
import { DAY, HOUR } from '../../core/values/time.ts';
import type { Evaluation, Knowledge, Vectors } from '../../engine/evaluate/evaluation.ts';
import { evaluateByOracle } from '../../engine/evaluate/oracle.ts';
import { evaluateByStream, type StreamOptions } from '../../engine/evaluate/stream.ts';
import { evaluation, evaluationOf, featureCases } from '../conformance/features.ts';
import { contracts, EPOCH, stream, view } from '../core/generators.ts';

const DELIVERIES: readonly StreamOptions[] = [
  { batch: 100, heal: true },
  { batch: 1, heal: true },
  { batch: 2, shuffle: 1, heal: true },
  { batch: 1, shuffle: 2, heal: true },
  { batch: 7, shuffle: 3, heal: true },
];
const SPARK_MS = 420_000;

/** -0 is not 0, true is not 1, and a number is the same to the bit. */
const json = (vectors: Vectors) => vectors.map((vector) => JSON.stringify(vector));

const ENTITIES = ['ann', 'bob', 'é'];
const question = fc.record({
  view,
  /** Of each entity in turn, four streams as one: alone they are a handful of events. */
  streams: fc.array(stream, { minLength: 12, maxLength: 12 }),
  queries: fc.array(
    fc.record({
      entity: fc.constantFrom(0, 0, 0, 1, 1, 2, 3),
      /** Which of the entity's events the query is near to, and how near: a ms, or the width of a window. */
      near: fc.nat(),
      arrival: fc.boolean(),
      after: fc.constantFrom(0, 1, -1, 2, HOUR, 12 * HOUR, DAY, 7 * DAY, 12 * DAY, 28 * DAY),
    }),
    { minLength: 12, maxLength: 12 },
  ),
  knowledge: fc.constantFrom('asof', 'asof', 'asof', 'latest', EPOCH + 50 * DAY, EPOCH + 80 * DAY + 1),
});

/** Knows neither amount nor note: what its events say of them is no feature's input. */
const visit2 = contract('visit', 2, {
  fields: { kind: field.enum(['a', 'b', 'c'], { required: false }), flag: field.bool({ required: false }) },
});
const VERSIONS = [...contracts, contractIR(visit2)];
const JUNK = ['12', 3.7, -1_000_000, true, { a: 1 }, [[]], null, 5];

/**
 * As a producer sends it; ids of other streams are other ids. Of visits one in two is of the second version.
 * @param junk whether those carry what their version does not know
 */
function wire(event: CanonicalEvent, entity_id: string, stream: number, junk = true): object {
  const { event_time, available_at, properties, event_type, source } = event;
  const { buy_id, amount: _amount, note: _note, ...known } = properties;
  const event_id = `${stream}${event.event_id}`;
  const draw = hash53(event_id);
  const second = event_type === 'visit' && draw % 2 === 0;
  const extra = junk ? { amount: JUNK[draw % JUNK.length], note: JUNK[(draw + 1) % JUNK.length] } : {};
  const sent = buy_id === undefined ? properties : { ...properties, buy_id: `${stream}${buy_id}` };
  return {
    event_id,
    entity_id,
    event_type,
    event_time: new Date(event_time).toISOString(),
    source,
    schema_version: second ? 2 : event.schema_version,
    properties: second ? { ...known, ...extra } : sent,
    available_at,
  };
}

const SEED = Number(process.env.EVAL_SEED ?? Date.now() % 1e9);
const RANDOM = 30;

async function randomEvaluations(junk = true): Promise<Evaluation[]> {
  const drawn = fc.sample(question, { seed: SEED, numRuns: RANDOM });
  return Promise.all(
    drawn.map(({ view, streams, queries, knowledge }) => {
      const of = (entity: number) => streams.flatMap((some, i) => (i % ENTITIES.length === entity ? some : []));
      const asked = queries.map(({ entity, near, arrival, after }) => {
        const all = of(entity);
        const event = all[near % all.length];
        const t = event ? (arrival ? event.available_at : event.event_time) + after : EPOCH;
        return { entity_id: ENTITIES[entity] ?? 'nobody', t };
      });
      const events = streams.flatMap((some, i) =>
        some.map((event) => wire(event, ENTITIES[i % ENTITIES.length]!, i, junk)),
      );
      return evaluation(VERSIONS, view, events, asked, knowledge as Knowledge);
    }),
  );
}

let cases: Evaluation[];
let random: Evaluation[];
let bySpark: Vectors[];
beforeAll(async () => {
  cases = await Promise.all(featureCases.map(evaluationOf));
  random = await randomEvaluations();
  // One start of Spark for all.
  bySpark = await evaluateBySpark([...cases, ...random]);
}, SPARK_MS);

describe('the public cases', () => {
  const expected = (i: number) =>
    featureCases[i]!.queries.map(({ expect: values }) =>
      JSON.stringify(cases[i]!.view.features.map(({ name }) => values[name])),
    );

  test.each(featureCases.map((one, i) => [one.rule, i] as const))('%s', async (_, i) => {
    expect(json(evaluateByOracle(cases[i]!))).toEqual(expected(i));
    for (const options of DELIVERIES) {
      const { vectors } = await evaluateByStream(cases[i]!, options);
      expect({ options, vectors: json(vectors) }).toEqual({ options, vectors: expected(i) });
    }
    expect(json(bySpark[i]!)).toEqual(expected(i));
  });

  test('expect a value for each feature and for no other', () => {
    for (const { features, queries } of featureCases) {
      const names = features.map(({ name }) => name).sort();
      for (const { expect: values } of queries) expect(Object.keys(values).sort()).toEqual(names);
    }
  });
});

describe('random definitions and streams', () => {
  test(`what a version does not know changes no value (EVAL_SEED=${SEED})`, async () => {
    const without = await randomEvaluations(false);
    for (const [i, asked] of random.entries())
      expect({ i, vectors: json(evaluateByOracle(asked)) }).toEqual({
        i,
        vectors: json(evaluateByOracle(without[i]!)),
      });
  });

  test(`stream = oracle = Spark, whatever the delivery (EVAL_SEED=${SEED})`, async () => {
    let [healed, values] = [0, 0];
    for (const [i, asked] of random.entries()) {
      const vectors = evaluateByOracle(asked);
      const wanted = json(vectors);
      for (const options of DELIVERIES) {
        const found = await evaluateByStream(asked, options);
        expect({ i, options, vectors: json(found.vectors) }).toEqual({ i, options, vectors: wanted });
        healed += found.repairs.inexact;
      }
      expect({ i, vectors: json(bySpark[cases.length + i]!) }).toEqual({ i, vectors: wanted });
      values += vectors.flat().filter((value) => value !== null && value !== 0).length;
    }
    // The runs were no empty shells.
    expect(values).toBeGreaterThan(RANDOM * 4);
    expect(healed).toBeGreaterThan(0);
  });
});
