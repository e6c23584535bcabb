/** The three engines of `features eval` against the public cases, and against each other on random definitions. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Evaluation, Knowledge, Vectors } from '../../cli/evaluation/evaluation.ts';
import { evaluateByOracle } from '../../cli/evaluation/oracle.ts';
import { evaluateBySpark } from '../../cli/evaluation/spark.ts';
import { evaluateByStream, type StreamOptions } from '../../cli/evaluation/stream.ts';
import type { CanonicalEvent } from '../../core/ir.ts';
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
const instant = fc
  .tuple(fc.integer({ min: 0, max: 110 * 288 }), fc.constantFrom(0, 0, 1, -1, 12_345))
  .map(([slot, offset]) => EPOCH + slot * 300_000 + offset);
const question = fc.record({
  view,
  streams: fc.tuple(stream, stream, stream),
  queries: fc.array(fc.record({ entity_id: fc.constantFrom(...ENTITIES, 'nobody'), t: instant }), {
    minLength: 12,
    maxLength: 12,
  }),
  knowledge: fc.oneof(
    fc.constant('asof' as const),
    fc.constant('asof' as const),
    fc.constant('latest' as const),
    instant,
  ),
});

/** As a producer sends it. */
function wire(event: CanonicalEvent, entity_id: string): object {
  const { event_id, event_type, event_time, source, schema_version, properties, available_at } = event;
  const time = new Date(event_time).toISOString();
  return { event_id, entity_id, event_type, event_time: time, source, schema_version, properties, available_at };
}

const SEED = Number(process.env.EVAL_SEED ?? Date.now() % 1e9);
const RANDOM = 30;

async function randomEvaluations(): Promise<Evaluation[]> {
  const drawn = fc.sample(question, { seed: SEED, numRuns: RANDOM });
  return Promise.all(
    drawn.map(({ view, streams, queries, knowledge }) => {
      const events = streams.flatMap((events, i) => events.map((event) => wire(event, ENTITIES[i]!)));
      return evaluation(contracts, view, events, queries, knowledge as Knowledge);
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
  test(`stream = oracle = Spark, whatever the delivery (EVAL_SEED=${SEED})`, async () => {
    let [healed, values] = [0, 0];
    for (const [i, asked] of random.entries()) {
      const wanted = json(evaluateByOracle(asked));
      for (const options of DELIVERIES) {
        const { vectors, repairs } = await evaluateByStream(asked, options);
        expect({ i, options, vectors: json(vectors) }).toEqual({ i, options, vectors: wanted });
        healed += repairs.marked;
      }
      expect({ i, vectors: json(bySpark[cases.length + i]!) }).toEqual({ i, vectors: wanted });
      values += wanted.join().match(/[1-9]/g)?.length ?? 0;
    }
    // The runs were no empty shells.
    expect(values).toBeGreaterThan(RANDOM * 12);
    expect(healed).toBeGreaterThan(0);
  });
});
