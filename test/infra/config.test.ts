import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import type { UseCaseIR } from '../../core/ir/document.ts';
import { DAY } from '../../core/values/time.ts';
import { buildTidemark } from '../../lib/app.ts';
import { prod } from '../../lib/config/prod.ts';
import { Release } from '../../lib/config/released.ts';
import { requireEnough } from '../../lib/config/retention.ts';
import { parseStageConfig } from '../../lib/config/stage-config.ts';
import { loadStage } from '../../lib/config/stages.ts';
import { loadDeployedUseCase, loadUseCase } from '../../lib/config/use-case.ts';
import { functionCode } from '../../lib/foundation/function-code.ts';
import { SHORTEST_BAKE_SECONDS } from '../../lib/training/rollback-alarms.ts';
import { writeSourceArchive } from '../../lib/training/source-archive.ts';
import { xgboostImage } from '../../lib/training/xgboost-image.ts';
import { awsAnswer } from '../conformance/aws.ts';

const USE_CASES = fileURLToPath(new URL('../../usecases', import.meta.url));
const TINY = fileURLToPath(new URL('../fixtures/usecases/tiny', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** prod with one value replaced. */
function prodWith(field: string, value: unknown): unknown {
  const config = structuredClone(prod) as Record<string, unknown>;
  const keys = field.split('.');
  const last = keys.pop() ?? '';
  let at = config;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  at[last] = value;
  return config;
}

describe('retention', () => {
  const kept = { quarantineDays: 90, predictionsDays: 100, scoresDays: 400, trainingSetsDays: 400, reportsDays: 90 };
  const feature = (name: string, window: number | null, offset = 0) =>
    ({ kind: 'aggregate', name, window_ms: window === null ? null : window * DAY, offset_ms: offset * DAY }) as const;
  const ir = (features: readonly object[], { dedupe = 7, retractions = 0, cooldown = 14 } = {}) =>
    ({
      views: [
        {
          name: 'v',
          features,
          dedupe: { horizon_ms: dedupe * DAY },
          retractions: retractions ? { horizon_ms: retractions * DAY } : null,
        },
      ],
      alerts: { cooldown_ms: cooldown * DAY },
    }) as unknown as UseCaseIR;
  const of = (eventsDays: number | undefined, given: UseCaseIR, scoresDays = 400) =>
    requireEnough('here', { ...kept, ...(eventsDays ? { eventsDays } : {}), scoresDays }, given);

  test.each<[string, number | undefined, UseCaseIR]>([
    ['events that stay, for a lifetime', undefined, ir([feature('ever', null)])],
    ['a window, a week and its predictions', 137, ir([feature('month', 30)])],
    ['the whole of a series', 191, ir([feature('week_11', 7, 77)])],
    ['a horizon of retractions beyond the windows', 197, ir([feature('week', 7)], { retractions: 90 })],
    ['events alone', 114, ir([])],
    ['states that stay as long as their window after the last event', 737, ir([feature('year', 365)])],
  ])('is enough for %s', (_what, days, given) => {
    expect(() => of(days, given)).not.toThrow();
  });

  test.each<[string, number, UseCaseIR, RegExp]>([
    [
      'a lifetime',
      36_500,
      ir([feature('month', 30), feature('ever', null)]),
      /eventsDays: found 36500, but v\.ever is over a lifetime/,
    ],
    ['a window', 136, ir([feature('day', 1), feature('month', 30)]), /at least 137, which are 37 for v\.month and 100/],
    ['the whole of a series', 190, ir([feature('week_0', 7), feature('week_11', 7, 77)]), /at least 191/],
    ['retractions', 196, ir([feature('week', 7)], { retractions: 90 }), /at least 197/],
    [
      'a state of which nothing came for as long as its window',
      736,
      ir([feature('year', 365)]),
      /at least 737, which are 372 for v\.year and 365 for its states, which stay as long after their last event/,
    ],
  ])('that is too short for %s is refused, and says what for', (_what, days, given, said) => {
    expect(() => of(days, given)).toThrow(said);
  });

  test('outlasts the cool-down of alerts: nobody is alerted twice because a score went', () => {
    expect(() => of(undefined, ir([], { cooldown: 14 }), 15)).not.toThrow();
    expect(() => of(undefined, ir([], { cooldown: 14 }), 14)).toThrow(/scoresDays: found 14; allowed: at least 15/);
  });
});

describe('stage configuration', () => {
  test('prod is the default', () => {
    expect(loadStage().stage).toBe('prod');
  });

  test.each(['local', 'dev', 'prod'])('%s is valid and of that stage', (stage) => {
    expect(loadStage(stage).stage).toBe(stage);
  });

  test.each<[unknown, string]>([
    ['staging', 'stage: found string, which names no stage; allowed: local, dev, prod'],
    ['toString', 'stage: found string, which names no stage; allowed: local, dev, prod'],
    [7, 'stage: found number, which names no stage; allowed: local, dev, prod'],
  ])('refuses %p as a stage', (name, sentence) => {
    expect(() => loadStage(name)).toThrow(sentence);
  });

  test.each<[string, unknown, string]>([
    ['processor.batchSize', '500', 'processor.batchSize: found string; allowed: number'],
    ['processor.batchSize', 10_001, 'processor.batchSize: found number; allowed: number of at most 10000'],
    ['processor.retryAttempts', -1, 'processor.retryAttempts: found number; allowed: number of at least 0'],
    ['processor.maxRecordAgeSeconds', Number.NaN, 'found a number that is not finite; allowed: number'],
    ['notifier.timeoutSeconds', 60, 'notifier.timeoutSeconds: found number; allowed: number of at most 50'],
    [
      'processor.joinAfterSeconds',
      60,
      'processor.joinAfterSeconds: found number; allowed: more than timeoutSeconds, unless parallelizationFactor is 1',
    ],
    [
      'archiver.maxRecordAgeSeconds',
      168 * 3600,
      'archiver.maxRecordAgeSeconds: found number; allowed: at most 601200: an hour before the stream forgets',
    ],
    ['stream.retentionHours', 24, 'processor.maxRecordAgeSeconds: found number; allowed: at most 82800'],
    ['archiver.parallelizationFactor', 2, 'archiver.parallelizationFactor: found number; allowed: 1'],
    ['functions.logLevel', 'TRACE', 'functions.logLevel: found string; allowed: "DEBUG", "INFO"'],
    [
      'functions.logLevel',
      'WARN',
      'functions.logLevel: found string; allowed: DEBUG or INFO; above them Lambda drops the metrics',
    ],
    ['encryption', 'none', 'encryption: found string; allowed: "customer", "aws"'],
    ['logRetentionDays', 10, 'logRetentionDays: found number; allowed: 1, 3, 5, 7, 14'],
    ['stream.retentionHours', undefined, 'stream.retentionHours: found nothing; allowed: '],
    ['stream.mode', 'serverless', 'stream.mode: found string; allowed: '],
    ['protection', null, 'protection: found null; allowed: object'],
    ['environment.account', '12', 'environment.account: found string; allowed: 12 digits'],
    ['alarms.emails', ['nobody'], 'alarms.emails.0: found string; allowed: '],
    [
      'alarms.slackChannel',
      { workspaceId: 'x', channelId: 'C1' },
      'alarms.slackChannel.workspaceId: found string; allowed: T…',
    ],
    [
      'training.instanceType',
      'm5.large',
      'training.instanceType: found string; allowed: an instance type that starts with ml.',
    ],
    [
      'endpoint.canaryWaitSeconds',
      SHORTEST_BAKE_SECONDS - 1,
      `endpoint.canaryWaitSeconds: found number; allowed: number of at least ${SHORTEST_BAKE_SECONDS}: the alarms that roll back`,
    ],
    ['endpoint.instances', 1, 'endpoint.instances: found number; allowed: 2 or more with a canary'],
    ['sweep.everyMinute', 5, 'sweep.everyMinute: unknown field; allowed: remove it or correct its spelling'],
    ['extra', 1, 'extra: unknown field; allowed: remove it or correct its spelling'],
  ])('%s = %p is refused with field, found type and what is allowed', (field, value, sentence) => {
    expect(() => parseStageConfig('lib/config/prod.ts', prodWith(field, value))).toThrow(sentence);
  });

  test.each(['dev', 'prod'])('%s: processor and archiver wait out every outage that the stream can bridge', (stage) => {
    const { stream, processor, archiver } = loadStage(stage);
    for (const consumer of [processor, archiver]) {
      expect(consumer.retryAttempts).toBe(10_000);
      expect(consumer.maxRecordAgeSeconds).toBe((stream.retentionHours - 1) * 3600);
    }
  });

  test('tells all faults at once, and never a value', () => {
    const wrong = { ...(prodWith('processor.batchSize', 'a-secret-value') as object), clock: 'a-secret-value' };
    const attempt = () => parseStageConfig('lib/config/prod.ts', wrong);
    expect(attempt).toThrow(/lib\/config\/prod\.ts is not valid:\n {2}- clock: .*\n {2}- processor\.batchSize: /);
    expect(attempt).not.toThrow(/a-secret-value/);
  });

  test('a region without the training container is refused with those that have it', () => {
    expect(() => xgboostImage('xx-nowhere-1', '3.2-0')).toThrow(/region: found string.*allowed: .*eu-west-1/);
  });

  test.each(['dev', 'prod', 'local'])('the training container of %s still gets patches', async (stage) => {
    const ends = awsAnswer<Record<string, string>>('sagemaker-container.image-end-of-patch');
    const { xgboostImage: tag } = (await loadStage(stage)).training;
    expect(Object.keys(ends)).toContain(tag);
    expect(Date.parse(ends[tag]!)).toBeGreaterThan(Date.now());
  });
});

describe('use case', () => {
  function useCase(name: string, source: string): string {
    const at = path.join(folder, name);
    mkdirSync(at);
    writeFileSync(path.join(at, 'index.ts'), source);
    return at;
  }

  test('is compiled to the document that Lambda, Glue and SageMaker read', async () => {
    const { ir, document } = await loadUseCase(TINY, path.join(folder, 'out'));
    expect(ir.name).toBe('tiny');
    expect(JSON.parse(readFileSync(document, 'utf8'))).toEqual(ir);
  });

  test.each<[unknown, string]>([
    ['nowhere', 'there is no usecases/nowhere/index.ts; allowed: a folder under usecases/ or a path'],
    ['./nowhere', 'there is no nowhere/index.ts'],
    ['', 'usecase: found string; allowed:'],
    [true, 'usecase: found boolean; allowed:'],
  ])('%p is no use case', async (name, sentence) => {
    await expect(loadUseCase(name, folder)).rejects.toThrow(sentence);
  });

  test('a file without a default export is refused', async () => {
    const at = useCase('empty', 'export const useCase = 1;\n');
    await expect(loadUseCase(at, folder)).rejects.toThrow(
      'default export: found nothing; allowed: the value of defineUseCase(…)',
    );
  });

  test('an export that is no compiled use case is refused with field, found type and what is allowed', async () => {
    const at = useCase('wrong', "export default { ir_version: '1' };\n");
    await expect(loadUseCase(at, folder)).rejects.toThrow(
      /index\.ts is not valid:\n {2}- ir_version: found '[^']*'; allowed: /,
    );
  });

  test('a definition that is refused while it loads keeps its sentence', async () => {
    const define = fileURLToPath(new URL('../../core/definition/define.ts', import.meta.url));
    const at = useCase(
      'window',
      `import { contract, count, defineUseCase, field } from ${JSON.stringify(define)};
       const order = contract('order', 1, { fields: { amount: field.int() } });
       const features = { orders: count({ of: order, window: 'a week' }) };
       const views = { some: { entity: 'customer', features } };
       export default defineUseCase({ name: 'some', entity: 'customer', contracts: [order], views });\n`,
    );
    await expect(loadUseCase(at, folder)).rejects.toThrow(
      /index\.ts is not valid:\n {2}- .*window: found '[^']+'; allowed: a duration/,
    );
  });
});

describe('what was released last', () => {
  /** A folder with the tiny use case, and with what was released of it before `change`. */
  async function released(name: string, change: (source: string) => string): Promise<string> {
    const at = path.join(folder, name);
    mkdirSync(at);
    const define = fileURLToPath(new URL('../../core/definition/define.ts', import.meta.url));
    const source = readFileSync(path.join(TINY, 'index.ts'), 'utf8').replace(
      '../../../../core/definition/define.ts',
      define,
    );
    const { document } = await loadUseCase(TINY, path.join(at, 'out'));
    copyFileSync(document, path.join(at, 'released.json'));
    writeFileSync(path.join(at, 'index.ts'), change(source));
    return at;
  }

  test('goes on beside a changed view, in the bundle of every function', async () => {
    const at = await released('changed', (source) => source.replace("window: '7d'", "window: '14d'"));
    const useCase = await loadDeployedUseCase(at, path.join(at, 'out'));
    const { ir: before } = await loadUseCase(TINY, path.join(folder, 'out'));
    expect(JSON.parse(readFileSync(useCase.previous!, 'utf8'))).toEqual(before);
    expect(useCase.ir.views[0]!.version).not.toBe(before.views[0]!.version);
    for (const [id, one, files] of [
      ['Both', useCase, ['index.mjs', 'index.mjs.map', 'previous.json', 'usecase.json']],
      ['One', { ...useCase, previous: undefined }, ['index.mjs', 'index.mjs.map', 'usecase.json']],
    ] as const) {
      const app = new App({ outdir: path.join(at, id), analyticsReporting: false });
      const stack = new Stack(app, id);
      functionCode('notifier/handler.ts', one).bind(stack);
      const asset = stack.node.findAll().find((node): node is Asset => node instanceof Asset)!;
      expect(readdirSync(path.join(app.outdir, asset.assetPath)).sort()).toEqual(files);
    }
  });

  test('is left out where the view is the same', async () => {
    const at = await released('same', (source) => source.replace('threshold: 0.8', 'threshold: 0.7'));
    expect(await loadDeployedUseCase(at, path.join(at, 'out'))).not.toHaveProperty('previous');
    expect(await loadDeployedUseCase(TINY, path.join(at, 'out'))).not.toHaveProperty('previous');
  });

  test('a contract that breaks it is refused when the app is built', async () => {
    const at = await released('broken', (source) => source.replace('max: 86_400', 'max: 3_600'));
    const app = new App({ outdir: path.join(at, 'cdk.out'), analyticsReporting: false });
    await expect(buildTidemark(app, { stage: loadStage('local'), useCase: at })).rejects.toThrow(
      /broken .* is not valid:\n {2}- contracts\.article_read@1\.seconds\.max: found 3600; allowed: 86400 or more; or schema version 2$/,
    );
  });

  test.each([
    ['{', 'file: found no JSON; allowed: what features release wrote'],
    ['{}', 'ir_version: found nothing; allowed: '],
  ])('%s is refused with its file', (text, sentence) => {
    writeFileSync(path.join(folder, 'released.json'), text);
    expect(() => new Release(folder)).toThrow(/released\.json is not valid/);
    expect(() => new Release(folder)).toThrow(sentence);
  });

  test.each(readdirSync(USE_CASES).filter((name) => existsSync(path.join(USE_CASES, name, 'released.json'))))(
    'usecases/%s keeps what it released',
    async (name) => {
      const { ir, folder: at } = await loadUseCase(name, path.join(folder, 'out'));
      const release = new Release(at);
      expect(release.ir!.name).toBe(ir.name);
      release.requireKept(ir);
    },
  );

  test('churn is released', () => {
    expect(existsSync(path.join(USE_CASES, 'churn/released.json'))).toBe(true);
  });
});

describe('source archive of the model', () => {
  test('has the same bytes for the same files, whenever and wherever it is packed', () => {
    const source = path.join(folder, 'model');
    mkdirSync(path.join(source, 'package/__pycache__'), { recursive: true });
    writeFileSync(path.join(source, 'train.py'), 'print(1)\n');
    writeFileSync(path.join(source, 'package/a.py'), '');
    writeFileSync(path.join(source, 'package/__pycache__/a.pyc'), 'x');
    const one = readFileSync(writeSourceArchive(source, path.join(folder, 'one.tar.gz')));
    writeFileSync(path.join(source, 'train.py'), 'print(1)\n');
    const two = readFileSync(writeSourceArchive(source, path.join(folder, 'two.tar.gz')));
    expect(two.equals(one)).toBe(true);
  });

  test('refuses a path that its header cannot hold', () => {
    const source = path.join(folder, 'deep');
    const long = path.join(source, 'x'.repeat(60));
    mkdirSync(long, { recursive: true });
    writeFileSync(path.join(long, `${'y'.repeat(60)}.py`), '');
    expect(() => writeSourceArchive(source, path.join(folder, 'deep.tar.gz'))).toThrow(
      /path of 124 bytes; allowed: 100/,
    );
  });
});
