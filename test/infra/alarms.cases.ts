import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Stream } from 'aws-cdk-lib/aws-kinesis';
import { loadStage } from '../../lib/config/stages.ts';
import type { Deployment } from '../../lib/foundation/deployment.ts';
import type { EventStream } from '../../lib/ingestion/event-stream.ts';
import { PipelineDashboard } from '../../lib/monitoring/dashboard.ts';
import { METRIC, METRIC_NAMESPACE, SERVICE } from '../../names/metrics.ts';
import { resourcesOf, STAGES, synthesise } from './synthesised.ts';

const RUNBOOK = fileURLToPath(new URL('../../docs/runbook.md', import.meta.url));

interface AlarmProperties {
  readonly AlarmName: string;
  readonly EvaluationPeriods: number;
  readonly AlarmDescription: string;
  readonly AlarmActions?: unknown[];
  readonly OKActions?: unknown[];
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: Array<{ Name: string; Value: unknown }>;
  readonly TreatMissingData: string;
}

async function ofType<T>(stage: (typeof STAGES)[number], type: string): Promise<T[]> {
  return [...(await resourcesOf(stage)).values()]
    .filter(({ Type }) => Type === type)
    .map(({ Properties }) => Properties as unknown as T);
}

const alarmsOf = (stage: (typeof STAGES)[number]) => ofType<AlarmProperties>(stage, 'AWS::CloudWatch::Alarm');

/** Alarms that ring while several others do, which then tell nobody themselves. */
const compositesOf = (stage: (typeof STAGES)[number]) =>
  ofType<AlarmProperties & { readonly AlarmRule: unknown }>(stage, 'AWS::CloudWatch::CompositeAlarm');

async function tellingOf(stage: (typeof STAGES)[number]) {
  const alarms = await alarmsOf(stage);
  return [...alarms.filter(({ AlarmActions }) => AlarmActions !== undefined), ...(await compositesOf(stage))];
}

/** Written down, so that none goes missing in a snapshot update. */
const COUNT = { local: 92, dev: 96, prod: 98 };

describe.each(STAGES)('alarms of %s', (stage) => {
  test(`are ${COUNT[stage]}, and each tells somebody, also when it is over`, async () => {
    const alarms = await tellingOf(stage);
    expect(alarms).toHaveLength(COUNT[stage]);
    expect(alarms.filter(({ AlarmActions }) => AlarmActions?.length === 1)).toHaveLength(COUNT[stage]);
    expect(alarms.filter(({ OKActions }) => OKActions?.length === 1)).toHaveLength(COUNT[stage]);
  });

  test('that tell nobody are parts of one that does', async () => {
    const silent = (await alarmsOf(stage)).filter(({ AlarmActions }) => AlarmActions === undefined);
    const composites = await compositesOf(stage);
    expect(silent.map(({ AlarmDescription }) => AlarmDescription.split('\n')[0])).toEqual(
      composites.flatMap(({ AlarmName }) => Array(2).fill(`Part of ${AlarmName}.`)),
    );
    expect(composites.map(({ AlarmName }) => AlarmName)).toEqual(
      stage === 'local' ? [] : [`${stage}/tiny/SweepMissing`],
    );
  });

  test('have a name of their own, a severity, a sentence, an article and a reason for missing data', async () => {
    const alarms = (await tellingOf(stage)).filter(({ TreatMissingData }) => TreatMissingData !== undefined);
    expect(alarms.length).toBeGreaterThan(COUNT[stage] - 2);
    expect(new Set(alarms.map(({ AlarmName }) => AlarmName)).size).toBe(alarms.length);
    for (const { AlarmName, AlarmDescription, TreatMissingData } of alarms) {
      expect(AlarmName).toMatch(new RegExp(`^${stage}/tiny/[A-Z][A-Za-z0-9]+$`));
      expect(AlarmDescription).toMatch(
        /^(CRITICAL|WARNING): [A-Z].{20,}\.\nRunbook: docs\/runbook\.md#[a-z-]+\nNo data: (\w+), because .{20,}\.$/s,
      );
      expect(AlarmDescription).toContain(`No data: ${TreatMissingData},`);
    }
  });

  test('a state that can not be read is told, whoever meets it: a silent customer has no event', async () => {
    const watched = (await alarmsOf(stage)).filter(({ MetricName }) => MetricName === METRIC.statesUnreadable);
    const services = watched.map(({ Dimensions = [] }) => Dimensions.find(({ Name }) => Name === 'service')?.Value);
    expect(services.sort()).toEqual([SERVICE.processor, SERVICE.scorer, SERVICE.sweep]);
  });

  test('the failure of a Glue job is told too', async () => {
    const template = (await synthesise(stage)).template('training');
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: ['aws.glue'], detail: { state: ['FAILED', 'TIMEOUT', 'ERROR'] } },
    });
    const [rule] = Object.values(
      template.findResources('AWS::Events::Rule', { Properties: { EventPattern: { source: ['aws.glue'] } } }),
    );
    expect(rule?.Properties.EventPattern.detail.jobName).toHaveLength(11);
    expect(rule?.Properties.Targets[0].DeadLetterConfig).toBeDefined();
  });
});

test('every article that an alarm links stands in the runbook', async () => {
  const articles = new Set([...readFileSync(RUNBOOK, 'utf8').matchAll(/^## ([a-z-]+)$/gm)].map(([, anchor]) => anchor));
  const linked = new Set(
    (await tellingOf('prod')).map(({ AlarmDescription }) => /#([a-z-]+)$/m.exec(AlarmDescription)?.[1]),
  );
  expect([...linked].filter((anchor) => !articles.has(anchor))).toEqual([]);
});

test('alarms on our own metrics name a metric and a function that exist', async () => {
  const own = (await alarmsOf('prod')).filter(({ Namespace }) => Namespace === METRIC_NAMESPACE);
  expect(own.length).toBeGreaterThan(20);
  for (const { MetricName, Dimensions } of own) {
    expect(Object.values(METRIC)).toContain(MetricName);
    const dimensions = Object.fromEntries((Dimensions ?? []).map(({ Name, Value }) => [Name, Value]));
    expect(Object.values(SERVICE)).toContain(dimensions.service);
    expect(dimensions).toMatchObject({ stage: 'prod', usecase: 'tiny' });
  }
});

test('a sweep that refuses rings: it runs once an hour, so one period must do', async () => {
  const found = (await alarmsOf('prod')).find(({ AlarmName }) => AlarmName.endsWith('/SweepScoresRefused'));
  expect(found?.EvaluationPeriods).toBe(1);
});

test('no alarm rings for what waits for a first model', async () => {
  const watched = (await alarmsOf('prod')).map(({ MetricName }) => MetricName);
  expect(watched).toContain(METRIC.scoreRefused);
  expect(watched).not.toContain(METRIC.scoringAwaited);
});

test('the dashboard shows all alarms and every stage of the pipeline', async () => {
  const { template } = await synthesise('prod');
  const [dashboard] = Object.values(template('monitoring').findResources('AWS::CloudWatch::Dashboard'));
  const body = JSON.stringify(dashboard);
  for (const title of [
    'Records into the stream',
    'Quarantine by reason',
    'Freshness',
    'Scores',
    'Alerts',
    'Endpoint',
    'Training',
  ]) {
    expect(body).toContain(title);
  }
  const shown = (await tellingOf('prod')).filter(({ AlarmName }) => body.includes(`:alarm:${AlarmName}\\"`));
  expect(shown).toHaveLength(COUNT.prod);
});

test('the dashboard shows more alarms than one widget takes', () => {
  const stack = new Stack(new App(), 'Monitoring');
  const stream = new Stream(stack, 'Stream');
  const deployment = { stage: loadStage('prod'), useCase: { ir: { name: 'tiny' } } } as unknown as Deployment;
  const alarms = Array.from({ length: 250 }, (_, i) => `prod/tiny/Alarm${i}`);
  new PipelineDashboard(stack, 'Pipeline', { deployment, stream: { stream } as EventStream, functions: {}, alarms });
  const [dashboard] = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Dashboard'));
  const [, parts] = dashboard!.Properties.DashboardBody['Fn::Join'] as [string, readonly unknown[]];
  const text = parts.map((part) => (typeof part === 'string' ? part : 'x')).join('');
  const { widgets } = JSON.parse(text) as { widgets: { type: string; properties: { alarms: string[] } }[] };
  const shown = widgets.filter(({ type }) => type === 'alarm').map(({ properties }) => properties.alarms);
  // "The array can have 1-100 ARNs"
  // (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html).
  expect(shown.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(new Set(shown.flat()).size).toBe(250);
});
