/** What MLflow is told of a training and a deployment, and what becomes of a server that is down, slow or wrong. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { requireModel } from '../../../core/ir/parts.ts';
import { persistently } from '../../../engine/mlflow/persistently.ts';
import { recordRun, recordServing, TAG } from '../../../engine/mlflow/record.ts';
import { MlflowError } from '../../../engine/mlflow/transport.ts';
import { metricsOf, paramsOf } from '../../../engine/mlflow/words.ts';
import { ir } from '../use-case.ts';
import { FakeMlflow } from './fake-mlflow.ts';
import { METRICS, PACKAGE, recorderFor, training } from './trainings.ts';

let mlflow: FakeMlflow;
let url: URL;
beforeEach(async () => {
  mlflow = new FakeMlflow();
  url = await mlflow.start();
});
afterEach(() => mlflow.stop());
const never = new AbortController().signal;
const model = () => mlflow.models.get('tidemark-prod-shop')!;

describe('a training', () => {
  test('is a run with parameters, metrics, tags and files, and a version that names its package', async () => {
    await recordRun(recorderFor(url), training());
    const [run] = mlflow.runs;
    expect(run?.status).toBe('FINISHED');
    expect(Object.fromEntries(run!.metrics)).toMatchObject({ auc: 0.85, auc_low: 0.84, 'test.rows': 100 });
    expect(Object.fromEntries(run!.params)).toMatchObject({ max_depth: '5', seed: '1' });
    expect(Object.fromEntries(run!.tags)).toEqual({
      [TAG.trainingJob]: 'tidemark-prod-shop-0123456789ab',
      [TAG.trainingSet]: 'set-1',
      [TAG.snapshot]: '4711',
      [TAG.definition]: 'h'.repeat(64),
      [TAG.modelSha256]: 'a'.repeat(64),
      [TAG.modelPackage]: PACKAGE(1),
      [TAG.gate]: 'passed',
    });
    expect([...mlflow.files.keys()]).toEqual(
      ['metrics.json', 'card.md', 'plots/calibration curve.svg'].map((name) => `1/run-1/artifacts/${name}`),
    );
    expect(model().versions).toEqual([
      {
        version: '1',
        source: training().model_data_url,
        run_id: 'run-1',
        tags: new Map([
          [TAG.modelPackage, PACKAGE(1)],
          [TAG.modelSha256, 'a'.repeat(64)],
          [TAG.definition, 'h'.repeat(64)],
        ]),
      },
    ]);
  });

  test('told twice is one run and one version', async () => {
    for (let i = 0; i < 2; i += 1) await recordRun(recorderFor(url), training());
    expect([mlflow.runs.length, model().versions.length, mlflow.files.size]).toEqual([1, 1, 3]);
  });

  test('that the gate refused is a run without a version, and says why', async () => {
    const gate = { ...training().gate, passed: false, reasons: ['auc: found 0.6', 'calibration error: found 0.2'] };
    await recordRun(recorderFor(url), training({ gate, model_package_arn: null }));
    expect(Object.fromEntries(mlflow.runs[0]!.tags)).toMatchObject({
      [TAG.gate]: 'refused',
      [TAG.gateReasons]: 'auc: found 0.6; calibration error: found 0.2',
    });
    expect(mlflow.models.size).toBe(0);
  });

  test('has its files in a store that the server does not serve', async () => {
    mlflow.artifactRoot = 's3://lake/mlflow/1';
    const stored: string[] = [];
    const store = async (uri: string) => void stored.push(uri);
    await recordRun(recorderFor(url, { store }), training());
    expect(stored).toContain('s3://lake/mlflow/1/run-1/artifacts/card.md');
    expect(mlflow.files.size).toBe(0);
  });

  test('of many parameters and metrics goes in parts that MLflow takes', async () => {
    const many = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`m${i}`, i]));
    const files = new Map([['metrics.json', Buffer.from(JSON.stringify({ ...many, search: { parameters: many } }))]]);
    await recordRun(recorderFor(url), training({ files }));
    expect(mlflow.asked.filter(({ what }) => what === 'POST mlflow/runs/log-batch').length).toBeGreaterThan(13);
    expect(mlflow.runs[0]?.metrics.get('m1199')).toBe(1199);
    expect(mlflow.runs[0]?.params.get('m1199')).toBe('1199');
  });
});

describe('a deployment', () => {
  const serving = (version: number) => ({
    package_arn: PACKAGE(version),
    model_data_url: training().model_data_url,
    model_sha256: 'b'.repeat(64),
  });

  test('moves the alias of the champion, and takes the challenger away when there is none', async () => {
    const recorder = recorderFor(url);
    await recordRun(recorder, training());
    await recordRun(recorder, training({ training_job_name: 'second', model_package_arn: PACKAGE(2) }));
    await recordServing(recorder, { champion: serving(1), challenger: serving(2) });
    expect(Object.fromEntries(model().aliases)).toEqual({ champion: '1', challenger: '2' });
    await recordServing(recorder, { champion: serving(2) });
    expect(Object.fromEntries(model().aliases)).toEqual({ champion: '2' });
  });

  test('of a package that MLflow was not told of makes its version', async () => {
    await recordServing(recorderFor(url), { champion: { ...serving(7), model_sha256: null } });
    expect(model().versions).toMatchObject([
      { version: '1', source: training().model_data_url, tags: new Map([[TAG.modelPackage, PACKAGE(7)]]) },
    ]);
    expect(model().aliases.get('champion')).toBe('1');
  });
});

describe('a server', () => {
  const told = (deadline: AbortSignal = never, timeoutMs = 200) =>
    persistently(deadline, () => recordRun(recorderFor(url, { timeoutMs, deadline }), training()), [1, 1]);

  test('that is not there is an error that says so', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => closed.once('listening', done));
    const { port } = closed.address() as AddressInfo;
    await new Promise((done) => closed.close(done));
    const found = recordRun(recorderFor(new URL(`http://127.0.0.1:${port}`)), training());
    await expect(found).rejects.toThrow(
      'MLflow did not answer GET /api/2.0/mlflow/experiments/get-by-name: ECONNREFUSED.',
    );
    await expect(found).rejects.toMatchObject({ transient: true });
  });

  test('that hangs is given up in time', async () => {
    mlflow.instead = () => true;
    const started = Date.now();
    await expect(recordRun(recorderFor(url, { timeoutMs: 100 }), training())).rejects.toThrow(/its time is over/);
    await expect(told(AbortSignal.timeout(300), 10_000)).rejects.toThrow(MlflowError);
    expect(Date.now() - started).toBeLessThan(3000);
  });

  test('that answers 500 once, somewhere, gets one run all the same', async () => {
    for (const failing of [
      'POST mlflow/runs/log-batch',
      'POST mlflow/model-versions/create',
      'POST mlflow/runs/create',
    ]) {
      let left = 1;
      mlflow.instead = (what, response) => {
        if (what !== failing || left-- < 1) return false;
        response.writeHead(500).end('oops');
        return true;
      };
      mlflow.runs.length = 0;
      mlflow.models.clear();
      await told();
      expect([mlflow.runs.map(({ status }) => status), model().versions.length]).toEqual([['FINISHED'], 1]);
    }
  });

  test('that always answers 500 is asked three times', async () => {
    mlflow.instead = (_, response) => {
      response.writeHead(503, { 'content-type': 'text/html' }).end('<html>');
      return true;
    };
    await expect(told()).rejects.toThrow(/^MLflow answered GET \S+ with 503\.$/);
    expect(mlflow.asked).toHaveLength(3);
  });

  test.each([
    [
      401,
      '{"error_code": "UNAUTHENTICATED", "message": "who?"}',
      /with 401 UNAUTHENTICATED: who\?; look at the secret/,
    ],
    [403, '', /with 403; look at the secret, or at what the role may do/],
    [200, '<html>', /something that is no JSON .*is the address that of its server\?/],
    [200, '{"experiment": {}}', /experiment\.experiment_id.*is its version at least 3\?/],
  ])('that answers %s with %s is asked once, and it is said what to do', async (status, body, sentence) => {
    mlflow.instead = (_, response) => {
      response.writeHead(status).end(body);
      return true;
    };
    await expect(told()).rejects.toThrow(sentence);
    expect(mlflow.asked).toHaveLength(1);
  });
});

describe('words', () => {
  test('numbers of metrics.json by short names; curves, texts and what is no number are none', () => {
    const found = metricsOf({ ...METRICS, odd: { 'a%b': 1, nan: Number.NaN, none: null } });
    expect(Object.fromEntries(found.map(({ key, value }) => [key, value]))).toEqual({
      ...{ auc: 0.85, auc_low: 0.84, auc_high: 0.86, brier: 0.14, brier_low: 0.13, brier_high: 0.15 },
      ...{ 'baseline.auc': 0.8, 'baseline.auc_low': 0.78, 'baseline.auc_high': 0.82 },
      ...{ 'difference.auc': 0.05, 'difference.auc_low': 0.03, 'difference.auc_high': 0.07 },
      ...{ 'test.rows': 100, 'test.positives': 30, threshold: 0.8, 'odd.a_b': 1, 'search.trials': 12 },
    });
  });

  test('parameters are what was asked for, and what a search found goes before it', () => {
    const asked = requireModel(ir).model;
    expect(paramsOf({ ...asked, hyperparameters: { eta: 0.1, gamma: 2 } }, METRICS)).toMatchObject({
      ...{
        eta: '0.05',
        gamma: '2',
        max_depth: '5',
        seed: '1',
        framework: 'xgboost',
        inputs: JSON.stringify(asked.inputs),
      },
      train: JSON.stringify(asked.train),
    });
    expect(paramsOf(asked, null)).toMatchObject({ seed: '1' });
    expect(paramsOf(asked, { ...METRICS, seed: 7 })).toMatchObject({ seed: '7' });
    expect(metricsOf({ seed: 7, threshold: 0.8 })).toEqual([{ key: 'threshold', value: 0.8 }]);
  });
});
