/**
 * MLflow's REST API in this process, for tests of a second: what it keeps, and how it fails. That it answers as MLflow does is
 * shown by the same cases against a real server (test/mlflow).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Body = Record<string, unknown>;
interface Pair {
  readonly key: string;
  readonly value: string;
}
export interface FakeRun {
  readonly id: string;
  readonly experiment: string;
  readonly start_time: number;
  status: string;
  readonly tags: Map<string, string>;
  readonly params: Map<string, string>;
  readonly metrics: Map<string, number>;
}
interface Version {
  readonly version: string;
  readonly source: string;
  readonly run_id?: string;
  readonly tags: Map<string, string>;
}

export class FakeMlflow {
  /** `mlflow-artifacts:/…` of a server that takes files itself. */
  artifactRoot = 'mlflow-artifacts:/1';
  readonly runs: FakeRun[] = [];
  readonly experiments = new Map<string, string>();
  readonly models = new Map<string, { readonly versions: Version[]; readonly aliases: Map<string, string> }>();
  readonly files = new Map<string, Buffer>();
  /** `<method> <path>` and headers of each request. */
  readonly asked: { readonly what: string; readonly headers: IncomingMessage['headers'] }[] = [];
  /** Answers instead, as long as it says true. */
  instead: (what: string, response: ServerResponse) => boolean = () => false;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  async start(): Promise<URL> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return new URL(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}`);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((done) => this.server.close(() => done()));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url!, 'http://fake');
    const what = `${request.method} ${url.pathname.replace('/api/2.0/', '')}`;
    this.asked.push({ what, headers: request.headers });
    if (this.instead(what, response)) return;
    if (what.startsWith('PUT mlflow-artifacts/artifacts/')) {
      this.files.set(decodeURIComponent(what.slice('PUT mlflow-artifacts/artifacts/'.length)), body);
      response.end('{}');
      return;
    }
    const values: Body = request.method === 'GET' ? Object.fromEntries(url.searchParams) : JSON.parse(body.toString());
    const found = this.calls[what]?.(values) ?? { error_code: 'ENDPOINT_NOT_FOUND', message: what };
    const status = 'error_code' in found ? (found.error_code === 'RESOURCE_DOES_NOT_EXIST' ? 404 : 400) : 200;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(found));
  }

  private readonly calls: Readonly<Record<string, (values: Body) => Body>> = {
    'GET mlflow/experiments/get-by-name': ({ experiment_name: name }) => {
      const id = this.experiments.get(name as string);
      return id === undefined ? missing('experiment') : { experiment: { experiment_id: id, name } };
    },
    'POST mlflow/experiments/create': ({ name }) => {
      if (this.experiments.has(name as string)) return { error_code: 'RESOURCE_ALREADY_EXISTS', message: '' };
      const experiment_id = String(this.experiments.size + 1);
      this.experiments.set(name as string, experiment_id);
      return { experiment_id };
    },
    'POST mlflow/runs/search': ({ filter, experiment_ids }) => {
      const runs = this.runs.filter(
        ({ tags, experiment }) => (experiment_ids as string[]).includes(experiment) && holds(filter as string, tags),
      );
      return runs.length === 0 ? {} : { runs: runs.map((run) => this.shown(run)) };
    },
    'POST mlflow/runs/create': ({ tags, start_time, experiment_id }) => {
      const run: FakeRun = {
        ...{ id: `run-${this.runs.length + 1}`, experiment: experiment_id as string, status: 'RUNNING' },
        ...{ start_time: start_time as number, tags: mapOf(tags), params: new Map(), metrics: new Map() },
      };
      this.runs.push(run);
      return { run: this.shown(run) };
    },
    'POST mlflow/runs/log-batch': ({ run_id, tags = [], params = [], metrics = [] }) => {
      const run = this.runs.find(({ id }) => id === run_id)!;
      for (const { key, value } of tags as Pair[]) run.tags.set(key, value);
      for (const { key, value } of params as Pair[]) run.params.set(key, value);
      for (const { key, value } of metrics as { key: string; value: number }[]) run.metrics.set(key, value);
      return {};
    },
    'POST mlflow/runs/update': ({ run_id, status }) => {
      this.runs.find(({ id }) => id === run_id)!.status = status as string;
      return {};
    },
    'GET mlflow/registered-models/get': ({ name }) =>
      this.models.has(name as string) ? { registered_model: { name } } : missing('model'),
    'POST mlflow/registered-models/create': ({ name }) => {
      this.models.set(name as string, { versions: [], aliases: new Map() });
      return { registered_model: { name } };
    },
    'GET mlflow/model-versions/search': ({ filter }) => {
      const [, name] = /name = '([^']*)'/.exec(filter as string) ?? [];
      const versions = this.models.get(name!)?.versions.filter(({ tags }) => holds(filter as string, tags)) ?? [];
      return versions.length === 0 ? {} : { model_versions: versions.map(({ version }) => ({ version, name })) };
    },
    'POST mlflow/model-versions/create': ({ name, source, run_id, tags }) => {
      const { versions } = this.models.get(name as string)!;
      const version = String(versions.length + 1);
      versions.push({ version, source: source as string, run_id: run_id as string, tags: mapOf(tags) });
      return { model_version: { name, version } };
    },
    'POST mlflow/registered-models/alias': ({ name, alias, version }) => {
      this.models.get(name as string)!.aliases.set(alias as string, version as string);
      return {};
    },
    'DELETE mlflow/registered-models/alias': ({ name, alias }) => {
      const model = this.models.get(name as string);
      return model?.aliases.delete(alias as string) === undefined ? missing('model') : {};
    },
  };

  private shown({ id, start_time, status }: FakeRun) {
    return { info: { run_id: id, artifact_uri: `${this.artifactRoot}/${id}/artifacts`, start_time, status } };
  }
}

const missing = (what: string) => ({ error_code: 'RESOURCE_DOES_NOT_EXIST', message: `no such ${what}` });
const mapOf = (pairs: unknown) => new Map((pairs as Pair[]).map(({ key, value }) => [key, value]));

function holds(filter: string, tags: ReadonlyMap<string, string>): boolean {
  const [, tag, value] = /tags\.`([^`]+)` = '([^']*)'/.exec(filter) ?? [];
  return tags.get(tag!) === value;
}
