/** Models in the function itself, against an S3 of this process: what is loaded, how often, and what never is. */
import { type GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ModelFailedError, ScoreRefusedError } from '../../engine/ports.ts';
import { InProcessEndpoint, InProcessLake, InProcessModels } from '../../lambdas/aws/in-process.ts';
import type { ServedPackage } from '../../names/serving.ts';
import { packageOf, packModel, type TreeSpec } from './model-archive.ts';

const HASH = 'ab'.repeat(32);
const spec: TreeSpec = { inputs: ['visits', 'silence'], definition_hash: HASH };

let objects: Map<string, Uint8Array>;
let reads: string[];
let failing: Error | null;
let now: number;
let failures: unknown[];
let models: InProcessModels;

const s3 = {
  send: async ({ input }: GetObjectCommand) => {
    reads.push(input.Key!);
    if (failing) throw failing;
    const found = objects.get(input.Key!);
    if (!found) throw new NoSuchKey({ message: 'none', $metadata: {} });
    return { Body: { transformToByteArray: async () => found } };
  },
} as unknown as S3Client;

beforeEach(() => {
  [objects, reads, failing, now, failures] = [new Map(), [], null, 1_000_000, []];
  models = new InProcessModels(
    new InProcessLake(s3, { bucket: 'lake', use_case: 'churn' }),
    (error) => failures.push(error),
    () => now,
  );
});

async function put(name: string, of: Partial<TreeSpec> = {}, change: Record<string, string> = {}) {
  const packed = await packModel({ ...spec, ...of }, change);
  objects.set(`models/${name}/model.tar.gz`, packed.archive);
  return packageOf(packed, `s3://lake/models/${name}/model.tar.gz`);
}

function serve(champion: ServedPackage, challenger?: ServedPackage): void {
  const document = { packages: { champion, ...(challenger && { challenger }) }, deployed_at: '2026-01-01T00:00:00Z' };
  objects.set('serving/churn.json', Buffer.from(JSON.stringify(document)));
}

const endpoint = (definition_hash = HASH) => new InProcessEndpoint(models, definition_hash);
const sigmoid = (margin: number) => 1 / (1 + Math.exp(-margin));

test('scores and contributions are those of the trees, calibrated; null goes the default way', async () => {
  const champion = await put('one');
  serve(champion);
  const answer = await endpoint().score([
    [0, 5],
    [3, null],
    [null, 1],
  ]);
  expect(answer).toMatchObject({ variant: 'champion', model_version: champion.model_version });
  answer.scores.forEach(({ score }, i) => void expect(score).toBeCloseTo(sigmoid(Math.fround([0, 2.2, 0][i]!)), 12));
  // The mean over the training rows is 3/4 of 2.2.
  answer.scores.forEach(({ contributions }, i) => {
    expect(contributions).toHaveLength(2);
    expect(contributions[0]).toBeCloseTo([-1.65, 0.55, -1.65][i]!, 6);
    expect(contributions[1]).toBe(0);
  });
});

test('a model is read once, what serves once a minute, and by one of those that wait', async () => {
  serve(await put('one'));
  await Promise.all([1, 2, 3].map((visits) => endpoint().score([[visits, 0]])));
  expect(reads).toEqual(['serving/churn.json', 'models/one/model.tar.gz']);
  now += 59_999;
  await endpoint().score([[1, 0]]);
  expect(reads).toHaveLength(2);
  now += 1;
  await endpoint().score([[1, 0]]);
  expect(reads.slice(2)).toEqual(['serving/churn.json']);
});

test('a deployment is served within a minute, and a roll-back too', async () => {
  const [one, two] = [await put('one'), await put('two', { leaves: [1, 3] })];
  const versions: string[] = [];
  for (const champion of [one, two, one]) {
    serve(champion);
    now += 60_000;
    versions.push((await endpoint().score([[1, 0]])).model_version);
  }
  expect(versions).toEqual([one, two, one].map(({ model_version }) => model_version));
});

test('of two models each answers for its variant; without a challenger the champion does', async () => {
  const [one, two] = [await put('one'), await put('two', { leaves: [1, 3] })];
  serve(one, two);
  const answers = [await endpoint().score([[1, 0]], 'challenger'), await endpoint().score([[1, 0]])];
  expect(answers.map(({ variant, model_version }) => [variant, model_version])).toEqual([
    ['challenger', two.model_version],
    ['champion', one.model_version],
  ]);
  serve(one);
  now += 60_000;
  expect((await endpoint().score([[1, 0]], 'challenger')).variant).toBe('champion');
});

test('without a deployment nobody is scored yet; another definition is refused with the one of the model', async () => {
  await expect(endpoint().score([[1, 0]])).rejects.toMatchObject({ name: 'ScoreRefusedError', kind: 'not_ready' });
  serve(await put('one'));
  const refused = endpoint('cd'.repeat(32)).score([[1, 0]]);
  await expect(refused).rejects.toMatchObject({ kind: 'mismatch', trained_on: HASH });
});

test('rows that are not for the model are refused, as its container does', async () => {
  serve(await put('one'));
  for (const [row, said] of [
    [[1], /found 1 values per row; allowed: 2/],
    [[1, 3.5e38], /a number beyond 3.4e38/],
  ] as const)
    await expect(endpoint().score([row])).rejects.toThrow(said);
});

describe('never loaded', () => {
  const cases: Record<string, [() => Promise<ServedPackage>, RegExp]> = {
    'a changed tree': [
      () => put('bad', {}, { 'model.json': '{}' }),
      /model.json: found other bytes than manifest.json says/,
    ],
    'a changed calibration': [
      () => put('bad', {}, { 'calibration.json': '{"method":"platt","intercept":9,"slope":1}' }),
      /calibration.json: found other bytes/,
    ],
    'another model than was approved': [
      async () => ({ ...(await put('bad')), model_sha256: '0'.repeat(64) }),
      /manifest.json: found another model than was approved/,
    ],
    'a model of another framework': [
      () => put('bad', { framework: 'pytorch' }),
      /model.framework: found pytorch, which is served as ONNX; allowed: xgboost/,
    ],
    'a model of before manifests': [
      async () => {
        const served = await put('bad');
        return put(
          'bad',
          {},
          { 'manifest.json': JSON.stringify({ inputs: ['a'], model_sha256: served.model_sha256 }) },
        );
      },
      /manifest.json .*: found another shape; allowed: format 1; train the model again/,
    ],
    'what is no archive': [
      async () => {
        const served = await put('bad');
        objects.set('models/bad/model.tar.gz', Buffer.from('no archive'));
        return served;
      },
      /model.tar.gz: found what is no archive/,
    ],
  };

  test.each(Object.entries(cases))(
    '%s: refused, and the one before goes on where there is one',
    async (_, [make, said]) => {
      serve(await make());
      const refused = endpoint().score([[1, 0]]);
      await expect(refused).rejects.toThrow(ScoreRefusedError);
      await expect(refused).rejects.toThrow(said);
      const good = await put('good', { leaves: [1, 3] });
      serve(good);
      await endpoint().score([[1, 0]]);
      serve(await make());
      now += 60_000;
      expect((await endpoint().score([[1, 0]])).model_version).toBe(good.model_version);
      expect(failures).toHaveLength(1);
    },
  );

  test('objects outside of the models of the lake', async () => {
    serve({ ...(await put('one')), model_data_url: 's3://lake/archive/model.tar.gz' });
    await expect(endpoint().score([[1, 0]])).rejects.toThrow(/model_data_url: found another place/);
    expect(reads).toEqual(['serving/churn.json']);
  });
});

test('an S3 that fails is a model that fails, which may be asked again', async () => {
  serve(await put('one'));
  failing = new Error('SlowDown');
  await expect(endpoint().score([[1, 0]])).rejects.toThrow(ModelFailedError);
  failing = null;
  expect((await endpoint().score([[1, 0]])).variant).toBe('champion');
});
