/** What is told to MLflow in the tests: a training job's output, a recorder for a server. */
import { requireModel } from '../../../core/ir/parts.ts';
import { MlflowClient } from '../../../engine/mlflow/client.ts';
import type { RecordedTraining, Recorder } from '../../../engine/mlflow/record.ts';
import { type Authorise, transportOf } from '../../../engine/mlflow/transport.ts';
import { ir } from '../use-case.ts';

export const PACKAGE = (version: number) =>
  `arn:aws:sagemaker:eu-west-1:111122223333:model-package/tidemark-prod-shop/${version}`;

export const METRICS = {
  model: { auc: { value: 0.85, low: 0.84, high: 0.86 }, brier: { value: 0.14, low: 0.13, high: 0.15 } },
  baseline: { auc: { value: 0.8, low: 0.78, high: 0.82 } },
  difference: { auc: { value: 0.05, low: 0.03, high: 0.07 } },
  reliability: [{ predicted: 0.1, observed: 0.2 }],
  test: { rows: 100, positives: 30 },
  search: { trials: 12, parameters: { max_depth: 5, eta: 0.05 } },
  threshold: 0.8,
  definition_hash: 'h'.repeat(64),
};

const text = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
export const FILES = new Map([
  ['metrics.json', text(METRICS)],
  ['card.md', text('# A model card\n')],
  ['plots/calibration curve.svg', text('<svg xmlns="http://www.w3.org/2000/svg"/>')],
]);

export const training = (over: Partial<RecordedTraining> = {}): RecordedTraining => ({
  training_job_name: 'tidemark-prod-shop-0123456789ab',
  training_set_id: 'set-1',
  model_package_arn: PACKAGE(1),
  model_data_url: 's3://lake/models/tidemark-prod-shop-0123456789ab/output/model.tar.gz',
  gate: {
    passed: true,
    reasons: [],
    metadata: { definition_hash: METRICS.definition_hash, model_sha256: 'a'.repeat(64), snapshot_id: '4711' },
  },
  files: FILES,
  ...over,
});

interface RecorderOptions {
  readonly name?: string;
  readonly timeoutMs?: number;
  readonly deadline?: AbortSignal;
  readonly authorise?: Authorise;
  readonly store?: Recorder['store'];
}

export function recorderFor(url: URL, options: RecorderOptions = {}): Recorder {
  const { timeoutMs = 20_000, deadline = AbortSignal.timeout(60_000), authorise = async () => ({}) } = options;
  return {
    client: new MlflowClient(transportOf({ url, authorise, timeoutMs, deadline })),
    name: options.name ?? 'tidemark-prod-shop',
    model: requireModel(ir).model,
    store:
      options.store ??
      (async () => {
        throw new Error('no store');
      }),
    now: () => 1_770_000_000_000,
  };
}
