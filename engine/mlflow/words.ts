/** What MLflow is told of a training: the files of the training job as parameters and metrics. Pure. */
import type { ModelIR } from '../../core/ir/document.ts';
import type { Metric, Tags } from './client.ts';

/** MLflow's names: https://mlflow.org/docs/latest/api_reference/python_api/mlflow.html#mlflow.log_metric */
const OUTSIDE_OF_NAMES = /[^A-Za-z0-9_\-. :/]/g;
const MOST_NAME = 250;
const MOST_PARAM = 6000;
/** Members of metrics.json that are no measure. */
const PARAMETERS = new Set(['parameters', 'seed']);

/**
 * Every number of metrics.json: `model.auc.value` as `auc`, the ends of its interval as `auc_low` and `auc_high`, those of
 * others with their owner in front, `baseline.auc`. Lists are curves, and stay in the file; parameters are no measure.
 */
export function metricsOf(document: unknown): Metric[] {
  return [...numbersOf(document, [])];
}

function* numbersOf(node: unknown, path: readonly string[]): Generator<Metric> {
  if (typeof node === 'number' && Number.isFinite(node) && path.length > 0)
    yield { key: metricName(path), value: node };
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
  for (const [key, value] of Object.entries(node)) if (!PARAMETERS.has(key)) yield* numbersOf(value, [...path, key]);
}

function metricName(path: readonly string[]): string {
  const own = path[0] === 'model' && path.length > 1 ? path.slice(1) : path;
  const last = own.at(-1)!;
  const before = own.slice(0, -1).join('.');
  const name =
    before === ''
      ? last
      : last === 'value'
        ? before
        : last === 'low' || last === 'high'
          ? `${before}_${last}`
          : `${before}.${last}`;
  return nameOf(name);
}

/** What the use case asked for, and what it was instead: `search.parameters` and `seed` of metrics.json. */
export function paramsOf(model: ModelIR, metrics: unknown): Tags {
  const told = metrics as { readonly search?: { readonly parameters?: unknown }; readonly seed?: unknown } | null;
  const found = told?.search?.parameters;
  const seed = told?.seed ?? model.seed;
  const { framework = 'xgboost', hyperparameters, inputs, train, validation, test } = model;
  const all = {
    ...hyperparameters,
    ...(typeof found === 'object' && found !== null ? found : {}),
    ...{ framework, seed, inputs },
    ...{ train, validation, test },
  };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [nameOf(name), textOf(value)]));
}

function textOf(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, MOST_PARAM);
}

const nameOf = (name: string) => name.replace(OUTSIDE_OF_NAMES, '_').slice(0, MOST_NAME);
