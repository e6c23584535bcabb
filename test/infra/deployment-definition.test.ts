/** The states of each kind of deployment, as data: what AWS refuses when the machine is made or runs is found here. */
import { expect, test } from '@jest/globals';
import type { EndpointConfig } from '../../lib/config/endpoint-config.ts';
import { prod } from '../../lib/config/prod.ts';
import type { TrainingDefinitionProps } from '../../lib/training/definition-props.ts';
import { ROLLBACK_ALARMS } from '../../lib/training/rollback-alarms.ts';
import type { State } from '../../lib/training/states.ts';
import { trainingDefinition } from '../../lib/training/training-definition.ts';

const SHADOW = {
  ...{ seconds: 3600, minimumPairs: 1000, maxDecisionShare: 0.02 },
  ...{ maxScoreDistance: 0.05, maxErrorShare: 0, maxLatencyMs: 500 },
};
const SCALED = {
  ...{ minInstances: 2, maxInstances: 6, invocationsPerInstance: 600 },
  ...{ scaleInCooldownSeconds: 300, scaleOutCooldownSeconds: 60 },
};
const KINDS: Readonly<Record<string, Partial<EndpointConfig>>> = {
  prod: {},
  'all at once': { canaryPercent: 0 },
  'without experiments': { experiments: false },
  shadow: { experiments: false, shadow: SHADOW },
  rolling: { experiments: false, routing: 'rolling', instances: 8 },
  scaled: { autoscaling: SCALED },
  'scaled without experiments': { autoscaling: SCALED, experiments: false },
  'in-process': { mode: 'in-process', canaryPercent: 0 },
  'in-process without experiments': { mode: 'in-process', canaryPercent: 0, experiments: false },
  serverless: {
    ...{ mode: 'serverless', serverless: { memoryMiB: 2048, maxConcurrency: 20 } },
    ...{ experiments: false, canaryPercent: 0 },
  },
};

function definition(changes: Partial<EndpointConfig>): Record<string, State> {
  const text = 'x';
  const props: TrainingDefinitionProps = {
    ...{ name: 'tidemark-prod-tiny', buildTrainingSetJob: text, trainingSetsUri: 's3://x/', modelsUri: 's3://x/' },
    ...{
      useCaseUri: text,
      sourceUri: text,
      trainingImageUri: text,
      servingImageUri: text,
      trainingRoleArn: text,
      hostingRoleArn: text,
    },
    ...{
      gateFunctionArn: text,
      retrainingFunctionArn: text,
      modelPackageGroup: text,
      approval: 'manual',
      training: prod.training,
    },
    ...{ deployment: { stage: 'prod', useCase: 'tiny' }, modelName: 'tiny', serving: { bucket: 'lake', key: 'one' } },
    ...{ alarmPrefix: 'prod/tiny/', pollSeconds: 30, trainingMetrics: [], endpoint: { ...prod.endpoint, ...changes } },
    ...(changes.mode === 'in-process' && { inProcess: { functionArn: text } }),
    ...(changes.shadow && { shadow: { functionArn: text, captureUri: 's3://x/captured/' } }),
  };
  return trainingDefinition(props).States as Record<string, State>;
}

/** Names of the states that one goes on to. */
const targets = (state: State): string[] =>
  [
    state.Next,
    state.Default,
    ...[state.Choices, state.Catch].flat().map((one) => (one as State | undefined)?.Next),
  ].filter((name): name is string => typeof name === 'string');

test.each(Object.entries(KINDS))('%s: every state is reached, and every state that is named is there', (_, changes) => {
  const states = definition(changes);
  const reached = new Set(['EnteredByApproval']);
  for (const name of reached) for (const next of targets(states[name]!)) reached.add(next);
  expect([...reached].sort()).toEqual(Object.keys(states).sort());
});

test.each(Object.entries(KINDS))(
  '%s: a variable is assigned before it is read, on the way of a deployment',
  (_, changes) => {
    // In a Choice, one rule after the other reads variables: JSONata fails on one that was never assigned.
    const states = definition(changes);
    const assigned = new Set<string>(['states']);
    for (const state of Object.values(states))
      for (const one of [state, ...[state.Choices, state.Catch].flat()])
        for (const name of Object.keys(((one as State | undefined)?.Assign as object) ?? {})) assigned.add(name);
    const text = JSON.stringify(states);
    const own = /^(own|runOf|runs|kept|n|r|i|etag|version)$/;
    const parameters = new Set(
      [...text.matchAll(/function\(([^)]*)\)/g)].flatMap(([, list]) => list!.match(/\w+/g) ?? []),
    );
    const read = new Set([...text.matchAll(/\$([a-z_]\w*)(?!\w*\()/g)].map(([, name]) => name!));
    const builtIn =
      /^(exists|count|string|join|merge|append|filter|sift|map|distinct|not|replace|contains|substring\w*|hash|lowercase)$/;
    expect(
      [...read].filter(
        (name) => !assigned.has(name) && !parameters.has(name) && !own.test(name) && !builtIn.test(name),
      ),
    ).toEqual([]);
  },
);

test('SageMaker takes ten alarms, and each of these is made before the update that names it', () => {
  expect(ROLLBACK_ALARMS.length).toBeLessThanOrEqual(10);
  const states = definition({});
  const put = Object.keys(states).filter((name) => name.startsWith('PutCanary'));
  expect(put).toEqual(ROLLBACK_ALARMS.map(({ name }) => `Put${name}`));
  const update = states.UpdateEndpoint as {
    Arguments: { DeploymentConfig: { AutoRollbackConfiguration: { Alarms: [] } } };
  };
  expect(update.Arguments.DeploymentConfig.AutoRollbackConfiguration.Alarms).toHaveLength(put.length);
  expect(targets(states[put.at(-1)!]!)).toEqual(['UpdateEndpoint']);
});

test('alarms on scores compare the new model with all others in the same minute', () => {
  const { Metrics } = definition({}).PutCanaryShift!.Arguments as { Metrics: Array<Record<string, unknown>> };
  const expression = Metrics.find(({ ReturnData }) => ReturnData)!.Expression as string;
  // PutMetricAlarm: one expression returns data, and every id that it names is one of its metrics.
  expect(Metrics.filter(({ ReturnData }) => ReturnData)).toHaveLength(1);
  const ids = new Set(Metrics.map(({ Id }) => Id));
  for (const [name] of expression.matchAll(/\b[mn]_\w+/g)) expect(ids).toContain(name);
  expect(expression).toContain('> 0.1 AND');
});

test('batches wait each for their alarms, and the time limit is longer than all of them', () => {
  const { DeploymentConfig } = definition(KINDS.rolling!).UpdateEndpoint!.Arguments as { DeploymentConfig: State };
  expect(DeploymentConfig.RollingUpdatePolicy).toEqual({
    MaximumBatchSize: { Type: 'INSTANCE_COUNT', Value: 1 },
    WaitIntervalInSeconds: 600,
    MaximumExecutionTimeoutInSeconds: 10 * 600 + 3600,
    RollbackMaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 100 },
  });
});
