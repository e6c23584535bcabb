/** Loads a function as it is shipped: one ESM bundle with `usecase.json` beside it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { UseCaseIR } from '../../core/ir/document.ts';
import { ir } from '../engine/use-case.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What every function is told in the tests; the rest is the test's own. */
export const ENVIRONMENT = {
  TIDEMARK_STAGE: 'local',
  TIDEMARK_USE_CASE: 'tiny',
  TIDEMARK_CLOCK: 'replay',
  POWERTOOLS_SERVICE_NAME: 'test',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  POWERTOOLS_METRICS_DISABLED: 'true',
  FEATURES_TABLE: 'features',
  SCORES_TABLE: 'scores',
  SCORES_KEPT_DAYS: '400',
  LAKE_BUCKET: 'lake',
  STREAM_NAME: 'events',
  LANES: '1',
  ENDPOINT_NAME: 'model',
};

/**
 * The environment is read while it loads.
 * @param entry below `lambdas/`. @param folder temporary, of the caller. @param documents as a deployment puts them beside it
 */
export async function loadHandler(
  entry: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
  documents: { readonly usecase: UseCaseIR; readonly previous?: UseCaseIR } = { usecase: ir },
): Promise<(event: unknown, context?: unknown) => Promise<unknown>> {
  const outdir = join(folder, entry.replaceAll('/', '-'));
  mkdirSync(outdir, { recursive: true });
  for (const [name, document] of Object.entries(documents))
    writeFileSync(join(outdir, `${name}.json`), JSON.stringify(document));
  const outfile = join(outdir, 'index.mjs');
  await build({
    entryPoints: [join(ROOT, 'lambdas', entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    mainFields: ['module', 'main'],
    logLevel: 'silent',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  Object.assign(process.env, environment);
  const { handler } = (await import(pathToFileURL(outfile).href)) as {
    handler: (event: unknown, context?: unknown) => Promise<unknown>;
  };
  return handler;
}

/**
 * The runtime API of a model endpoint: scores every row as it is told, and refuses another definition as InvokeEndpoint says it
 * (424 ModelError with the container's own status and body). `real-endpoint.test.ts` asks a real one.
 */
export class ModelEndpoint {
  /** All rows that it was asked for. */
  readonly inputs: (number | null)[][] = [];
  score = 0.9;
  /** What the model says it was trained for. */
  definition_hash: string;
  private readonly server: Server;

  constructor(definition_hash: string) {
    this.definition_hash = definition_hash;
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const asked = JSON.parse(Buffer.concat(parts).toString('utf8')) as {
          instances: (number | null)[][];
          definition_hash: string;
        };
        const { instances } = asked;
        const { definition_hash } = this;
        if (asked.definition_hash !== definition_hash) {
          const OriginalMessage = JSON.stringify({ error: 'another definition', definition_hash });
          const Message = `Received client error (409) from primary with message "${OriginalMessage}".`;
          response.writeHead(424, { 'content-type': 'application/json', 'x-amzn-errortype': 'ModelError' });
          response.end(JSON.stringify({ Message, OriginalStatusCode: 409, OriginalMessage }));
          return;
        }
        this.inputs.push(...instances);
        const predictions = instances.map(() => ({ score: this.score, contributions: [0.1, 1], bias: 0 }));
        response.writeHead(200, {
          'content-type': 'application/json',
          'x-amzn-invoked-production-variant': 'champion',
        });
        response.end(JSON.stringify({ predictions, model_version: 'm1', definition_hash }));
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((done) => this.server.close(() => done()));
  }
}
