/** A stage without an endpoint: functions load the model, and may read that and no more. */
import { beforeAll, expect, test } from '@jest/globals';
import type { StageConfig } from '../../lib/config/stage-config.ts';
import { parseStageConfig } from '../../lib/config/stage-config.ts';
import { loadStage } from '../../lib/config/stages.ts';
import { QUIET, type StackName, type Synthesised, synthesiseConfig } from './synthesised.ts';

const prod = loadStage('prod');
const without = (endpoint: Partial<StageConfig['endpoint']>) =>
  ({ ...prod, endpoint: { ...prod.endpoint, mode: 'in-process', canaryPercent: 0, ...endpoint } }) as StageConfig;

let app: Synthesised;
beforeAll(async () => {
  app = await synthesiseConfig(without({}), QUIET);
});

const all = (stack: StackName, type: string) => Object.entries(app.template(stack).findResources(type));
/** Statements of the policies of a role, each as text. */
const statementsOf = (stack: StackName, id: string): string[] =>
  all(stack, 'AWS::IAM::Policy')
    .filter(([name]) => name.startsWith(id))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement.map((one: object) => JSON.stringify(one)));
const granted = (stack: StackName, id: string) => statementsOf(stack, id).join('\n');
const saysWhatServes = (stack: StackName, id: string) =>
  statementsOf(stack, id).some((one) => one.includes('s3:PutObject') && one.includes('/serving/*'));

test('no function knows an endpoint, and each that scores may read the models and which of them serve', () => {
  const functions = all('realtime', 'AWS::Lambda::Function').filter(([name]) => /^(Scorer|Sweep|Api)Fn/.test(name));
  expect(functions).toHaveLength(3);
  for (const [, { Properties }] of functions)
    expect(Properties.Environment.Variables).not.toHaveProperty('ENDPOINT_NAME');
  for (const id of ['ScorerFnRole', 'SweepFnRole', 'ApiFnRole']) {
    const statements = granted('realtime', id);
    expect(statements).not.toContain('sagemaker:');
    expect(statements).toMatch(/\/models\/\*/);
    expect(statements).toMatch(/\/serving\/\*/);
  }
  // Only the function of the deployment says what serves.
  for (const id of ['ScorerFnRole', 'SweepFnRole', 'ApiFnRole']) expect(saysWhatServes('realtime', id)).toBe(false);
});

test('the machine tries a model by a function, and makes nothing that costs by the hour', () => {
  const [[, machine]] = all('training', 'AWS::StepFunctions::StateMachine') as [[string, { Properties: object }]];
  const definition = JSON.stringify(machine.Properties);
  for (const state of ['CreateEndpoint', 'UpdateEndpoint', 'CreateModel\\', 'WaitForEndpoint'])
    expect(definition).not.toContain(state);
  expect(definition).toContain('LoadModel');
  const statements = granted('training', 'TrainingRole');
  for (const action of ['CreateEndpoint', 'CreateModel"', 'UpdateEndpoint', 'ListModels'])
    expect(statements).not.toContain(`sagemaker:${action}`);
  expect(statements).toContain('sagemaker:CreateTrainingJob');
  expect(saysWhatServes('training', 'TrainingInProcessFnRole')).toBe(true);
  const roles = all('training', 'AWS::IAM::Role').map(([name]) => name);
  expect(roles.filter((name) => name.startsWith('TrainingHostingRole'))).toEqual([]);
  expect(Object.keys(app.template('training').findOutputs('*'))).not.toContain('EndpointName');
});

test('alarms are those of functions that load a model, and not of an endpoint', () => {
  const names = (['training', 'realtime'] as const).flatMap((stack) =>
    all(stack, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => String(Properties.AlarmName).split('/').at(-1)),
  );
  expect(names).toEqual(expect.arrayContaining(['ModelNotLoaded', 'InProcessDeploymentErrors', 'ApiDegraded']));
  expect(names.filter((name) => name?.startsWith('Endpoint'))).toEqual([]);
});

test.each<[string, Partial<StageConfig['endpoint']>, RegExp]>([
  ['a canary', { canaryPercent: 10 }, /endpoint.canaryPercent: found number; allowed: number 0 with mode in-process/],
  [
    'autoscaling',
    {
      autoscaling: {
        ...{ minInstances: 1, maxInstances: 2, invocationsPerInstance: 60 },
        ...{ scaleInCooldownSeconds: 300, scaleOutCooldownSeconds: 60 },
      },
    },
    /endpoint.autoscaling: found object; allowed: no autoscaling with mode in-process/,
  ],
  [
    'a shadow',
    {
      experiments: false,
      shadow: {
        ...{ seconds: 3600, minimumPairs: 1000, maxDecisionShare: 0.02 },
        ...{ maxScoreDistance: 0.05, maxErrorShare: 0, maxLatencyMs: 500 },
      },
    },
    /endpoint.shadow: found object; allowed: no shadow with mode in-process/,
  ],
])('%s is refused with the reason', (_, endpoint, said) => {
  expect(() => parseStageConfig('here', without(endpoint))).toThrow(said);
});
