import { expect, test } from '@jest/globals';
import { BOOTSTRAP } from '../../cli/commands/doctor/account.ts';
import { METRIC_NAMESPACE } from '../../names/metrics.ts';
import { type Resource, STACKS, type Synthesised, synthesise, TINY } from './synthesised.ts';

/** Properties in which the app gives a name that AWS takes only once in an account and region. */
const NAMES = ['AlarmName', 'ModelPackageGroupName', 'DashboardName'] as const;

/** Only what has sources has the stack for them. */
const stacksOf = (app: Synthesised) => STACKS.filter((stack) => app.stacks[stack] !== undefined);

const resources = (app: Synthesised): Resource[] =>
  stacksOf(app).flatMap((stack) => Object.values(app.template(stack).toJSON().Resources as Record<string, Resource>));

/** Every metric of ours that alarms, widgets or jobs name, as text. */
const ownMetrics = (all: readonly Resource[]): string[] => [
  ...all
    .filter(({ Type, Properties }) => Type === 'AWS::CloudWatch::Alarm' && Properties.Namespace === METRIC_NAMESPACE)
    .map(({ Properties }) => JSON.stringify(Properties.Dimensions)),
  ...all
    .filter(({ Type }) => Type === 'AWS::CloudWatch::Dashboard')
    .flatMap(({ Properties }) => widgetMetrics(JSON.stringify(Properties.DashboardBody))),
  ...all
    .filter(({ Type }) => Type === 'AWS::Glue::Job')
    .map(({ Properties }) => (Properties.DefaultArguments as Record<string, unknown>)['--metrics'])
    .filter((metrics) => typeof metrics === 'string'),
];

/** Rows of the widgets that begin with our namespace; the body is text in a CloudFormation function, so quotes are escaped. */
const widgetMetrics = (body: string) =>
  [...body.replaceAll('\\', '').matchAll(/\["Tidemark","[^\]]*\]/g)].map(([row]) => row);

test('two use cases in one stage share no name and no metric', async () => {
  const [tiny, churn] = await Promise.all([synthesise('prod', TINY), synthesise('prod', 'churn')]);
  const stacks = (app: Synthesised) => stacksOf(app).map((stack) => app.stacks[stack].stackName);
  expect(stacks(tiny)).toEqual(STACKS.map((stack) => `tidemark-prod-tiny-${stack}`));
  expect(stacks(churn)).toEqual(
    STACKS.filter((stack) => stack !== 'intake').map((stack) => `tidemark-prod-churn-${stack}`),
  );
  const names = (app: Synthesised) =>
    resources(app)
      .flatMap(({ Properties }) => NAMES.map((name) => Properties?.[name]))
      .filter((name) => name !== undefined);
  const [ours, theirs] = [names(tiny), names(churn)];
  expect(ours.length).toBeGreaterThan(50);
  expect(ours.filter((name) => theirs.includes(name))).toEqual([]);
  for (const [name, app] of [
    ['tiny', tiny],
    ['churn', churn],
  ] as const) {
    const metrics = ownMetrics(resources(app));
    expect(metrics.length).toBeGreaterThan(60);
    expect(metrics.filter((metric) => !/"usecase"/.test(metric) || !metric.includes(`"${name}"`))).toEqual([]);
  }
});

test('the version of the bootstrap stack that the doctor asks for is the one that the stacks need', async () => {
  const { app, stacks } = await synthesise('prod', TINY);
  const assembly = app.synth();
  for (const stack of STACKS)
    expect(assembly.getStackByName(stacks[stack].stackName).requiresBootstrapStackVersion).toBe(BOOTSTRAP);
});

test('every function is told which use case its metrics are counted for', async () => {
  for (const [name, useCase] of [
    ['tiny', TINY],
    ['churn', 'churn'],
  ] as const) {
    const functions = resources(await synthesise('prod', useCase)).filter(
      ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && String(Properties.Runtime).startsWith('nodejs'),
    );
    expect(functions.length).toBeGreaterThanOrEqual(8);
    for (const { Properties } of functions)
      expect(Properties.Environment).toMatchObject({ Variables: { TIDEMARK_USE_CASE: name } });
  }
});
