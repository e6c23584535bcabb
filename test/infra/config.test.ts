import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Framework, UseCaseIR } from '../../core/ir/document.ts';
import { FRAMEWORKS } from '../../core/ir/model-schema.ts';
import { DAY } from '../../core/values/time.ts';
import { prod } from '../../lib/config/prod.ts';
import { requireEnough } from '../../lib/config/retention.ts';
import { parseStageConfig } from '../../lib/config/stage-config.ts';
import { loadStage } from '../../lib/config/stages.ts';
import { frameworkImage } from '../../lib/training/framework-images.ts';
import { SHORTEST_BAKE_SECONDS } from '../../lib/training/rollback-alarms.ts';
import { awsAnswer } from '../conformance/aws.ts';

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
      'processor.cutoverAfterSeconds',
      60,
      'processor.cutoverAfterSeconds: found number; allowed: more than timeoutSeconds, unless parallelizationFactor is 1',
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
    ['sweep.everyMinute', 5, 'sweep.everyMinute: found an unknown field; allowed: remove it or correct its spelling'],
    ['extra', 1, 'extra: found an unknown field; allowed: remove it or correct its spelling'],
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
    expect(() => frameworkImage('xgboost', 'xx-nowhere-1', '3.2-0')).toThrow(
      /region: found string, .*container of xgboost; allowed: .*eu-west-1/,
    );
  });

  test.each(['dev', 'prod', 'local'])("the containers of %s are AWS's, and still get patches", async (stage) => {
    const ends = awsAnswer<Record<string, string>>('sagemaker-container.image-end-of-patch');
    const { images } = (await loadStage(stage)).training;
    for (const framework of FRAMEWORKS) {
      const { uri } = frameworkImage(framework, 'eu-west-1', images[framework]);
      const [, image = ''] = uri.split('/');
      expect(Object.keys(ends)).toContain(image);
      expect(Date.parse(ends[image]!)).toBeGreaterThan(Date.now());
    }
  });

  test('each container is in the account of its region', () => {
    const of = (framework: Framework, region: string) => frameworkImage(framework, region, '1');
    expect(awsAnswer('sagemaker-container.image-accounts')).toEqual(
      Object.fromEntries(
        ['us-east-1', 'eu-central-1', 'eu-south-2', 'ap-east-1'].map((region) => [
          region,
          FRAMEWORKS.map((framework) => of(framework, region).uri.split('.')[0]),
        ]),
      ),
    );
    expect(of('pytorch', 'eu-south-2').repositoryArn).toBe('arn:aws:ecr:eu-south-2:503227376785:repository/pytorch');
  });
});
