/** Use cases that leave parts out: nothing is deployed, watched or told of what they do not have, and all that stays is whole. */
import { describe, expect, test } from '@jest/globals';
import { deploymentName, deploymentOf, STACKS as STACK_NAMES, stackName } from '../../names/deployments.ts';
import { METRIC_NAMESPACE } from '../../names/metrics.ts';
import { OUTPUT } from '../../names/outputs.ts';
import { deadKeyStatements, refusedDeliveries } from './deliveries.ts';
import { policyProblems, WITHOUT_EFFECT } from './iam-policies.ts';
import { measure } from './limits.ts';
import { namedMetrics, unknownMetrics } from './metrics.ts';
import { nagFindings, QUIET, SPENDING, STACKS, STAGES, synthesise } from './synthesised.ts';
import { Templates } from './templates.ts';

/** Of a stage, by the name of what is left out. */
const CASES = [
  ['events and features alone', SPENDING],
  ['a model without alerts', QUIET],
] as const;

const countOf = (templates: Templates, type: string) => templates.all(type).length;

function outputsOf(templates: Templates): string[] {
  return STACKS.flatMap((stack) => Object.keys(templates.byStack[stack].Outputs ?? {})).filter(
    // The CDK's own, by which stacks refer to each other.
    (name) => !/^(Exports|Publish)Output/.test(name),
  );
}

const alarmsOf = (templates: Templates) =>
  templates
    .all('AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm')
    .map(({ properties }) => String(properties.AlarmName).split('/').at(-1)!);

const dashboardOf = (templates: Templates) => JSON.stringify(templates.all('AWS::CloudWatch::Dashboard'));

describe.each(STAGES)('events and features alone in %s', (stage) => {
  test('deploy no model, endpoint, scores or alerts', async () => {
    const templates = await Templates.of(stage, SPENDING);
    for (const type of [
      'AWS::StepFunctions::StateMachine',
      'AWS::SageMaker::ModelPackageGroup',
      'AWS::SecretsManager::Secret',
      'AWS::Scheduler::Schedule',
    ]) {
      expect([type, countOf(templates, type)]).toEqual([type, 0]);
    }
    expect(countOf(templates, 'AWS::DynamoDB::GlobalTable')).toBe(1);
    // All but the training set, the check of scored vectors, the labels of alerts and the analysis of experiments.
    expect(countOf(templates, 'AWS::Glue::Job')).toBe(countOf(await Templates.of(stage), 'AWS::Glue::Job') - 4);
    const functions = templates.all('AWS::Lambda::Function').map(({ properties }) => properties);
    const services = functions.flatMap(({ Environment }) => {
      const variables = (Environment as { Variables?: Record<string, string> } | undefined)?.Variables ?? {};
      return variables.POWERTOOLS_SERVICE_NAME ?? [];
    });
    expect(services.sort()).toEqual(['api', 'archiver', 'processor']);
    const everything = JSON.stringify(templates.byStack);
    const words = /.{0,80}(sagemaker|SCORES_TABLE|ENDPOINT_NAME|slack|v1\/score).{0,80}/gi;
    expect(everything.match(words)).toBeNull();
  });

  test('have no output, alarm or graph of what is not there', async () => {
    const templates = await Templates.of(stage, SPENDING);
    const outputs = outputsOf(templates);
    expect(outputs).toEqual(expect.arrayContaining(['StreamName', 'FeaturesTableName', 'ApiUrl', 'DashboardName']));
    for (const gone of ['ScoresTable', 'ModelPackageGroup', 'SlackSecret', 'Training', 'Endpoint', 'Scorer', 'Sweep'])
      expect(outputs.filter((name) => name.includes(gone))).toEqual([]);
    const alarms = alarmsOf(templates);
    expect(alarms.length).toBeGreaterThan(25);
    expect(alarms.filter((name) => /Score|Sweep|Alert|Publisher|Notifier|Endpoint|Training|Model/.test(name))).toEqual(
      [],
    );
    const dashboard = dashboardOf(templates);
    for (const gone of ['Scores', 'Alerts', 'Endpoint', 'Training', 'Freshness']) expect(dashboard).not.toContain(gone);
    for (const shown of ['Records into the stream', 'Quarantine by reason', 'States'])
      expect(dashboard).toContain(shown);
  });
});

test.each(STAGES)('%s has the outputs that names/outputs.ts says, and no other', async (stage) => {
  // MLflow is nobody's unless a stage names one (retraining.test.ts); in dev each function loads the model itself.
  const absent = new Set<string>([
    OUTPUT.mlflowTrackingUri,
    OUTPUT.mlflowSecret,
    ...(stage === 'dev' ? [OUTPUT.endpoint] : []),
  ]);
  expect(outputsOf(await Templates.of(stage)).sort()).toEqual(
    Object.values(OUTPUT)
      .filter((name) => !absent.has(name))
      .sort(),
  );
});

test.each(STAGES)('the stacks of %s are found by their names', async (stage) => {
  const { stacks } = await synthesise(stage);
  const names = STACK_NAMES.map((stack) => stackName(deploymentName(stage, 'tiny'), stack));
  expect(
    Object.values(stacks)
      .map((stack) => stack.stackName)
      .sort(),
  ).toEqual(names.sort());
  expect(deploymentOf(names[0]!)).toEqual({ stage, usecase: 'tiny' });
});

test.each(STAGES)('a model without alerts in %s is scored, and tells nobody', async (stage) => {
  const templates = await Templates.of(stage, QUIET);
  expect(countOf(templates, 'AWS::StepFunctions::StateMachine')).toBe(1);
  expect(countOf(templates, 'AWS::SecretsManager::Secret')).toBe(0);
  expect(countOf(templates, 'AWS::DynamoDB::GlobalTable')).toBe(2);
  const alarms = alarmsOf(templates);
  expect(alarms.filter((name) => /^(Alert|Publisher|Notifier)/.test(name))).toEqual([]);
  expect(alarms).toEqual(expect.arrayContaining(['ScorerScoresRefused', 'SweepScoresRefused']));
  const outputs = outputsOf(templates);
  expect(outputs).toEqual(expect.arrayContaining(['ScoresTableName', 'TrainingStateMachineArn', 'SweepFunctionName']));
  expect(outputs.filter((name) => /Alert|Slack/.test(name))).toEqual([]);
  expect(dashboardOf(templates)).not.toContain('AlertsRaised');
});

describe.each(CASES)('%s', (_, useCase) => {
  test.each(STAGES)('%s is whole: metrics, deliveries, permissions, limits and cdk-nag', async (stage) => {
    const templates = await Templates.of(stage, useCase);
    const metrics = namedMetrics(templates);
    expect(metrics.filter(({ namespace }) => namespace === METRIC_NAMESPACE).length).toBeGreaterThan(20);
    expect(unknownMetrics(metrics)).toEqual([]);
    expect(refusedDeliveries(templates)).toEqual([]);
    expect(deadKeyStatements(templates)).toEqual([]);
    expect(measure(templates).filter(({ found, limit }) => found > limit)).toEqual([]);
    const problems = await policyProblems(templates);
    expect(problems.filter((problem) => !WITHOUT_EFFECT.some((known) => known.problem.test(problem)))).toEqual([]);
    const { app } = await synthesise(stage, useCase);
    expect(nagFindings(app)).toEqual([]);
  });
});
