/** What we ask of MLflow (https://mlflow.org/docs/latest/api_reference/rest-api.html), with answers that were looked at. */
import { z } from 'zod';
import { chunks } from '../chunks.ts';
import { MlflowError, type Transport } from './transport.ts';

export interface Run {
  readonly run_id: string;
  /** Where its files go: `mlflow-artifacts:/…` through the server, or an address of a store. */
  readonly artifact_uri: string;
  /** ms UTC */
  readonly start_time: number;
  readonly status: string;
}

export interface Metric {
  readonly key: string;
  readonly value: number;
}

const experimentSchema = z.object({ experiment: z.object({ experiment_id: z.string() }) });
const createdSchema = z.object({ experiment_id: z.string() });
const runSchema = z.object({
  info: z.object({ run_id: z.string(), artifact_uri: z.string(), start_time: z.coerce.number(), status: z.string() }),
});
const runsSchema = z.object({ runs: z.array(runSchema).default([]) });
const versionSchema = z.object({ version: z.coerce.string() });
const versionsSchema = z.object({ model_versions: z.array(versionSchema).default([]) });

/** Most of each that one call takes. */
const BATCH = { metrics: 1000, params: 100, tags: 100 } as const;

export class MlflowClient {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** Id of the experiment of this name, which is made where there is none. @throws MlflowError */
  async experiment(name: string): Promise<string> {
    const found = await this.found('GET', 'mlflow/experiments/get-by-name', { experiment_name: name });
    if (found !== null) return parsed(experimentSchema, found).experiment.experiment_id;
    return parsed(createdSchema, await this.transport.call('POST', 'mlflow/experiments/create', { name }))
      .experiment_id;
  }

  /** The run of an experiment that has this tag; null: none. @throws MlflowError */
  async runWith(experiment_id: string, tag: string, value: string): Promise<Run | null> {
    const answer = await this.transport.call('POST', 'mlflow/runs/search', {
      experiment_ids: [experiment_id],
      filter: tagIs(tag, value),
      max_results: 1,
    });
    return parsed(runsSchema, answer).runs[0]?.info ?? null;
  }

  /** @param start_time ms UTC. @throws MlflowError */
  async createRun(experiment_id: string, run_name: string, start_time: number, tags: Tags): Promise<Run> {
    const asked = { experiment_id, run_name, start_time, tags: pairs(tags) };
    const answer = await this.transport.call('POST', 'mlflow/runs/create', asked);
    return parsed(z.object({ run: runSchema }), answer).run.info;
  }

  /** @param timestamp of the metrics, ms UTC: the same again is no second value. @throws MlflowError */
  async log(run_id: string, timestamp: number, metrics: readonly Metric[], params: Tags): Promise<void> {
    const points = metrics.map((metric) => ({ ...metric, timestamp, step: 0 }));
    for (const part of chunks(points, BATCH.metrics)) await this.batch({ run_id, metrics: part });
    for (const part of chunks(pairs(params), BATCH.params)) await this.batch({ run_id, params: part });
  }

  /** @throws MlflowError */
  async tag(run_id: string, tags: Tags): Promise<void> {
    for (const part of chunks(pairs(tags), BATCH.tags)) await this.batch({ run_id, tags: part });
  }

  /** @param end_time ms UTC. @throws MlflowError */
  async finish(run_id: string, end_time: number): Promise<void> {
    await this.transport.call('POST', 'mlflow/runs/update', { run_id, status: 'FINISHED', end_time });
  }

  /** Puts a file through the server. @param folder the run's `mlflow-artifacts:` address. @throws MlflowError */
  async upload(folder: string, name: string, body: Uint8Array): Promise<void> {
    const { pathname } = new URL(folder);
    const path = [...pathname.split('/').filter(Boolean), ...name.split('/')].map(encodeURIComponent).join('/');
    await this.transport.put(`mlflow-artifacts/artifacts/${path}`, body);
  }

  /** Makes the registered model, where there is none. @throws MlflowError */
  async registerModel(name: string): Promise<void> {
    const found = await this.found('GET', 'mlflow/registered-models/get', { name });
    if (found === null) await this.transport.call('POST', 'mlflow/registered-models/create', { name });
  }

  /** The version of a model that has this tag; null: none. @throws MlflowError */
  async versionWith(name: string, tag: string, value: string): Promise<string | null> {
    const filter = `name = '${name}' and ${tagIs(tag, value)}`;
    const answer = await this.transport.call('GET', 'mlflow/model-versions/search', { filter, max_results: 1 });
    return parsed(versionsSchema, answer).model_versions[0]?.version ?? null;
  }

  /** @returns its number. @throws MlflowError */
  async createVersion(
    name: string,
    of: { readonly source: string; readonly run_id?: string; readonly description: string; readonly tags: Tags },
  ): Promise<string> {
    const asked = { ...of, name, tags: pairs(of.tags) };
    const answer = await this.transport.call('POST', 'mlflow/model-versions/create', asked);
    return parsed(z.object({ model_version: versionSchema }), answer).model_version.version;
  }

  /** @throws MlflowError */
  async setAlias(name: string, alias: string, version: string): Promise<void> {
    await this.transport.call('POST', 'mlflow/registered-models/alias', { name, alias, version });
  }

  /** Whether it was there or not. @throws MlflowError */
  async removeAlias(name: string, alias: string): Promise<void> {
    await this.found('DELETE', 'mlflow/registered-models/alias', { name, alias });
  }

  private async batch(values: Readonly<Record<string, unknown>>): Promise<void> {
    await this.transport.call('POST', 'mlflow/runs/log-batch', values);
  }

  /** Null for what does not exist. */
  private async found(method: 'GET' | 'DELETE', path: string, values: Readonly<Record<string, string>>) {
    try {
      return await this.transport.call(method, path, values);
    } catch (error) {
      if (error instanceof MlflowError && error.code === 'RESOURCE_DOES_NOT_EXIST') return null;
      throw error;
    }
  }
}

export type Tags = Readonly<Record<string, string>>;

const pairs = (tags: Tags) => Object.entries(tags).map(([key, value]) => ({ key, value }));

/** Values of ours are ARNs, hashes and names: none has a quote. */
function tagIs(tag: string, value: string): string {
  if (value.includes("'")) throw new MlflowError(`tag ${tag}: found a quote; allowed: names, hashes and ARNs.`);
  return `tags.\`${tag}\` = '${value}'`;
}

function parsed<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.infer<Schema> {
  const { success, data, error } = schema.safeParse(answer);
  if (success) return data;
  const { path, message } = error.issues[0]!;
  throw new MlflowError(`MLflow's answer: ${path.join('.')}: ${message}; is its version at least 3?`);
}
