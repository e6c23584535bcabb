/** What of the endpoint's settings excludes what: AWS's own exclusions, each with its reason. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { prod } from '../../lib/config/prod.ts';
import { parseStageConfig } from '../../lib/config/stage-config.ts';
import { fencesOf } from '../docs/markdown.ts';

const SHADOW = {
  ...{ seconds: 3600, minimumPairs: 1000, maxDecisionShare: 0.02 },
  ...{ maxScoreDistance: 0.05, maxErrorShare: 0, maxLatencyMs: 500 },
};
const SERVERLESS = {
  ...{ mode: 'serverless', serverless: { memoryMiB: 2048, maxConcurrency: 20 } },
  ...{ experiments: false, canaryPercent: 0 },
};
const ROLLING = { routing: 'rolling', experiments: false };
const SCALED = {
  ...{ minInstances: 2, maxInstances: 6, invocationsPerInstance: 600 },
  ...{ scaleInCooldownSeconds: 300, scaleOutCooldownSeconds: 60 },
};

const parse = (changes: object) =>
  parseStageConfig('lib/config/prod.ts', { ...prod, endpoint: { ...prod.endpoint, ...changes } }).endpoint;

test.each<[string, object, RegExp]>([
  [
    'a shadow beside experiments',
    { shadow: SHADOW },
    /endpoint\.shadow: .*no shadow with experiments: SageMaker takes one/,
  ],
  ['a serverless shadow', { ...SERVERLESS, shadow: SHADOW }, /endpoint\.shadow: .*no shadow variants of serverless/],
  ['serverless experiments', { ...SERVERLESS, experiments: true }, /endpoint\.experiments: .*one production variant/],
  ['rolling experiments', { routing: 'rolling' }, /endpoint\.experiments: .*rolls no endpoint of several variants/],
  [
    'a serverless canary',
    { ...SERVERLESS, canaryPercent: 10 },
    /endpoint\.canaryPercent: .*number 0 with mode serverless/,
  ],
  ['small batches', { ...ROLLING, canaryPercent: 4 }, /endpoint\.canaryPercent: .*at least 5 with routing rolling/],
  [
    'batches that wait for ever',
    { ...ROLLING, canaryPercent: 5, canaryWaitSeconds: 3600 },
    /endpoint\.canaryWaitSeconds: .*all batches together/,
  ],
  ['serverless autoscaling', { ...SERVERLESS, autoscaling: SCALED }, /endpoint\.autoscaling: .*it scales by itself/],
  [
    'burstable autoscaling',
    { instanceType: 'ml.t2.medium', autoscaling: SCALED },
    /endpoint\.autoscaling: .*burstable/,
  ],
  ['fewer than the fewest', { autoscaling: { ...SCALED, minInstances: 3 } }, /minInstances: .*number up to instances/],
  ['a canary of one', { autoscaling: { ...SCALED, minInstances: 1 } }, /minInstances: .*at least 2 with a canary/],
  [
    'serverless without its size',
    { ...SERVERLESS, serverless: undefined },
    /endpoint\.serverless: .*with mode serverless/,
  ],
])('%s is refused with the reason', (_, changes, sentence) => {
  expect(() => parse(changes)).toThrow(sentence);
});

test.each<[string, object]>([
  ['a shadow', { shadow: SHADOW, experiments: false }],
  ['serverless', SERVERLESS],
  ['batches', ROLLING],
  ['autoscaling and experiments', { autoscaling: SCALED }],
])('%s is taken', (_, changes) => {
  expect(parse(changes)).toMatchObject(changes);
});

test('what the how-to shows is taken', () => {
  const shown = fencesOf(readFileSync('docs/how-to/deploy-a-model.md', 'utf8')).filter(
    ({ info }) => info === 'settings',
  );
  expect(shown).toHaveLength(2);
  for (const { code } of shown) expect(parse(JSON.parse(code))).toMatchObject(JSON.parse(code));
});
