/** What the documents show in TypeScript: it type-checks as it stands, and it runs. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import {
  CreateStreamCommand,
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
} from '@aws-sdk/client-kinesis';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { admit, compileContracts } from '../../core/admission/admit.ts';
import { parseUseCase } from '../../core/definition/usecase.ts';
import { documents } from '../../docs/generate/documents.ts';
import { startLocalCloud } from '../../local/cloud.ts';
import churn from '../../usecases/churn/index.ts';
import { type Fence, fencesOf } from './markdown.ts';
import { stepsOf } from './walkthrough.ts';

const PROCESS_MS = 420_000;
const run = promisify(execFile);

interface Snippet extends Fence {
  readonly document: string;
}

const snippets: Snippet[] = documents().flatMap((document) =>
  fencesOf(readFileSync(document, 'utf8')).map((fence) => ({ document, ...fence })),
);
const typescript = snippets.filter(({ language }) => ['ts', 'typescript', 'tsx'].includes(language));
const useCases = typescript.filter(({ code }) => code.includes('export default defineUseCase'));
/** It stands beside what it imports. */
const example = typescript.find(({ document }) => document === 'core/README.md')!;
/** The lines that switch a source on: contracts and sources. */
const sourceSnippets = typescript.filter(
  ({ document, code }) => document.startsWith('docs/how-to/sources/') || /^export const sources = \[/m.test(code),
);
const programs = typescript.filter(({ code }) => code.includes('PutRecord'));
/** A label, alerts, an experiment, settings: parts that stand alone. */
const parts = typescript.filter((one) => ![...useCases, ...sourceSnippets, ...programs, example].includes(one));
/** The one that has everything but a model. */
const shop = useCases.find(({ document }) => document.endsWith('own-use-case.md'))!;

let folder: string;
/** One folder a snippet, in this package, as an editor in this repository sees it. */
const fileOf = (one: Snippet) => join(folder, String(typescript.indexOf(one)), 'index.ts');

beforeAll(() => {
  mkdirSync('.cache', { recursive: true });
  folder = mkdtempSync(resolve('.cache', 'snippets-'));
  for (const one of typescript) {
    mkdirSync(join(fileOf(one), '..'));
    const code = one.code.replace(/(?<=from ')\.\.?\/[^']+/g, (path) => resolve(dirname(one.document), path));
    writeFileSync(fileOf(one), code);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function problems(files: readonly string[]): string[] {
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, process.cwd());
  return ts
    .getPreEmitDiagnostics(ts.createProgram([...files], options))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

test(
  'every snippet type-checks as it stands',
  () => {
    expect(useCases.length).toBeGreaterThan(0);
    expect(programs.length).toBeGreaterThan(0);
    expect(problems(typescript.map(fileOf))).toEqual([]);
  },
  PROCESS_MS,
);

test(
  'every part is one that is taken: its functions refuse what they can not read',
  async () => {
    expect(parts.length).toBeGreaterThan(3);
    for (const one of parts) await run(process.execPath, [resolve('node_modules/tsx/dist/cli.mjs'), fileOf(one)]);
  },
  PROCESS_MS,
);

test(
  'the check of types finds a name that is not there',
  () => {
    const broken = join(folder, 'broken.ts');
    writeFileSync(broken, shop.code.replace('of: order.total', 'of: order.totl'));
    expect(problems([broken])).toEqual([expect.stringContaining("'totl'")]);
  },
  PROCESS_MS,
);

/** What a use case answers for entity 7 on 2026-03-01. */
async function evaluated(useCase: Snippet, events: readonly object[]): Promise<unknown> {
  const file = (name: string, lines: readonly object[]) => {
    writeFileSync(join(folder, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return join(folder, name);
  };
  const args = ['--events', file('events.ndjson', events)];
  args.push('--queries', file('queries.ndjson', [{ entity_id: '7', t: '2026-03-01T00:00:00Z' }]));
  const { stdout } = await run(process.execPath, [
    ...['cli/tidemark.mjs', 'features', 'eval', '--usecase', join(fileOf(useCase), '..'), ...args],
    ...['--engine', 'stream'],
  ]);
  return JSON.parse(stdout).features;
}

describe('a use case', () => {
  const order = (event_id: string, event_time: string, properties: object) => ({
    ...{ event_id, entity_id: '7', event_type: 'order', event_time, source: 'shop', schema_version: 1, properties },
  });
  const silence = 8 * 86_400_000 + 14 * 3_600_000;

  test(
    'of the how-to is evaluated, and says what the words beside it say',
    async () => {
      const events = [
        order('o-1', '2026-02-01T10:00:00Z', { channel: 'web', quantity: 3, unit_price: '19.90' }),
        order('o-2', '2026-02-20T10:00:00Z', { channel: 'store', quantity: 1, unit_price: '5.00' }),
        order('o-3', '2026-02-27T10:00:00Z', { channel: 'web', quantity: 2, unit_price: '1.00' }),
        { ...order('r-1', '2026-02-28T10:00:00Z', { order_id: 'o-3' }), event_type: 'refund' },
      ];
      const expected = { orders_28d: 2, spend_28d: 5970, mean_order: 2985, weekly_0: 0, weekly_1: 1, silence };
      expect(await evaluated(shop, events)).toMatchObject(expected);
    },
    PROCESS_MS,
  );

  test(
    'of the README is evaluated too, and is of events and features alone',
    async () => {
      const [first] = useCases.filter(({ document }) => document === 'README.md');
      expect(first!.code).not.toMatch(/label|model|alerts/);
      const events = [
        order('o-1', '2026-02-01T10:00:00Z', { channel: 'web', total: '59.70' }),
        order('o-2', '2026-02-20T10:00:00Z', { channel: 'store', total: '5.00' }),
      ];
      expect(await evaluated(first!, events)).toEqual({ orders_28d: 2, spend_28d: 5970, silence });
    },
    PROCESS_MS,
  );
});

test(
  'the tutorial is followed to where the local cloud starts: its files, its commands, what they print',
  async () => {
    const steps = stepsOf('docs/tutorial.md');
    const end = steps.findIndex((step) => step.kind === 'command' && step.line === 'npx tidemark local start');
    const here = (text: string) => text.replace(/(?<![\w/])(\.\/)?gym\b/g, join(folder, 'gym'));
    let commands = 0;
    for (const step of steps.slice(0, end)) {
      if (step.kind === 'file') writeFileSync(join(folder, step.name), step.text);
      else if (step.line !== 'npm run setup') {
        const shell = `exec 2>&1; ${here(step.line).replace(/^npx tidemark/, 'node cli/tidemark.mjs')}`;
        const ended = await run('bash', ['-c', shell]).then(
          ({ stdout }) => ({ code: 0, stdout }),
          ({ code, stdout }) => ({ code, stdout }),
        );
        expect({ line: step.line, ...ended }).toMatchObject({ line: step.line, code: step.code });
        for (const line of step.output) expect(ended.stdout).toContain(here(line));
        commands += 1;
      }
    }
    expect(commands).toBe(5);
  },
  PROCESS_MS,
);

test(
  'core and engine alone bring a definition and events to the vectors that core/README.md shows',
  async () => {
    const { stdout } = await run(process.execPath, [resolve('node_modules/tsx/dist/cli.mjs'), fileOf(example)]);
    const shown = snippets.find(({ document, info }) => document === 'core/README.md' && info === 'output')!;
    expect(stdout).toBe(shown.code);
    expect(example.code).not.toMatch(/from '(?!\.\/|\.\.\/engine\/)/);
  },
  PROCESS_MS,
);

test(
  'the lines that switch a source on are what a use case takes',
  async () => {
    expect(sourceSnippets.length).toBeGreaterThan(0);
    const file = join(folder, 'sources.ts');
    const here = (path: string) => JSON.stringify(resolve(path));
    const lines = sourceSnippets.map((one, i) => `import * as of${i} from ${here(fileOf(one))};`);
    const all = sourceSnippets.map((_, i) => `of${i}`).join(', ');
    writeFileSync(
      file,
      `${lines.join('\n')}
      import { contractIR } from ${here('core/definition/contracts.ts')};
      import { sourceIR } from ${here('core/definition/sources.ts')};
      import { validateSources } from ${here('core/definition/validate-sources.ts')};
      import * as addresses from ${here('lib/intake/addresses.ts')};
      import { busAddress } from ${here('lib/intake/bus-source.ts')};
      const addressOf = { ...addresses, busAddress };
      for (const { contracts, sources } of [${all}]) {
        if (Array.isArray(sources)) validateSources(sources.map(sourceIR), contracts.map(contractIR));
        // Lines of a stage's configuration: where a source is, by its ways.
        else for (const ways of Object.values(sources))
          for (const [kind, address] of Object.entries(ways)) addressOf[kind + 'Address'].parse(address);
      }
      console.log('taken');\n`,
    );
    const { stdout } = await run(process.execPath, [resolve('node_modules/tsx/dist/cli.mjs'), file]);
    expect(stdout).toBe('taken\n');
  },
  PROCESS_MS,
);

/** Of the use case that ships. */
const admitted = (data: Uint8Array) =>
  admit(
    data,
    { shard_id: 's', sequence_number: '1', arrival_ms: Date.now(), partition_key: '42' },
    compileContracts(parseUseCase(JSON.parse(JSON.stringify(churn))).contracts),
    { replay: false, available_lag_ms: 0, max_bytes: 256 * 1024 },
  );

test(
  'a program that sends an event sends one that is admitted, under the key of its entity',
  async () => {
    const cloud = await startLocalCloud({ quiet: true });
    const kinesis = new KinesisClient(cloud.clientConfig);
    try {
      const StreamName = 'events';
      await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
      const env = { ...process.env, ...cloud.env, STREAM_NAME: StreamName };
      for (const one of programs) {
        await run(process.execPath, [resolve('node_modules/tsx/dist/cli.mjs'), fileOf(one)], { env });
      }
      const { StreamDescription } = await kinesis.send(new DescribeStreamCommand({ StreamName }));
      const ShardId = StreamDescription!.Shards![0]!.ShardId!;
      const { ShardIterator } = await kinesis.send(
        new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
      );
      const { Records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
      expect(Records.map(({ PartitionKey }) => PartitionKey)).toEqual(programs.map(() => '42'));
      for (const { Data } of Records) expect(admitted(Data!)).toMatchObject({ ok: true, unknown_fields: [] });
    } finally {
      kinesis.destroy();
      await cloud.stop();
    }
  },
  PROCESS_MS,
);

test('an event in JSON is one that the use case that ships admits', () => {
  const loose = snippets.filter(({ info }) => info === '');
  const events = loose.filter(({ language, code }) => language === 'json' && code.includes('"event_type"'));
  expect(events.length).toBeGreaterThan(0);
  for (const { code } of events) expect(admitted(Buffer.from(code))).toMatchObject({ ok: true, unknown_fields: [] });
});
