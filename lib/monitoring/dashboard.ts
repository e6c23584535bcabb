import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  type Metric,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { METRIC, type MetricName, SERVICE, type Service } from '../../names/metrics.ts';
import type { Deployment } from '../foundation/deployment.ts';
import type { EventStream } from '../ingestion/event-stream.ts';
import { QUARANTINE_SENTENCES } from '../ingestion/processor.ts';
import type { ScoringEndpoint } from '../serving/scoring-endpoint.ts';
import { tidemarkMetric } from './metrics.ts';

/** A source and the service that takes what comes of it by one of its ways: what its metrics are counted by. */
export interface SourceWay {
  readonly source: string;
  readonly service: Service;
}

export interface PipelineDashboardProps {
  readonly deployment: Deployment;
  readonly stream: EventStream;
  /** By the name they have in the graphs. */
  readonly functions: Readonly<Record<string, IFunction>>;
  /** @default - the use case has no sources */
  readonly ways?: readonly SourceWay[];
  /** Where there is a model that functions do not load themselves. */
  readonly endpoint?: ScoringEndpoint;
  /** Where there is a model. */
  readonly machine?: IStateMachine;
  /** Names, in the order they are shown. */
  readonly alarms: readonly string[];
}

const PERIOD = Duration.minutes(1);
const WIDTH = 8;
/**
 * Of one widget: "The array can have 1-100 ARNs"
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html).
 */
const MOST_ALARMS = 100;

/** One page from the first event to the last alert, in the order the data takes. */
export class PipelineDashboard extends Construct {
  readonly dashboard: Dashboard;
  private readonly deployment: Deployment;

  constructor(scope: Construct, id: string, props: PipelineDashboardProps) {
    super(scope, id);
    this.deployment = props.deployment;
    const { stage, useCase } = props.deployment;
    this.dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.hours(3) });
    this.row(`# Tidemark ${stage.stage}: ${useCase.ir.name}`);
    for (let from = 0; from < props.alarms.length; from += MOST_ALARMS) {
      const alarms = this.alarmsNamed(props.alarms.slice(from, from + MOST_ALARMS));
      this.dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms, width: 24, height: 4 }));
    }
    this.row('## Ingestion', ...this.ingestion(props));
    if (props.ways?.length) this.row('## Sources', ...this.sources(props.ways));
    this.row('## Processing', ...this.processing(props));
    const { endpoint, machine } = props;
    if (machine) {
      this.row('## Features and scores', this.states(), ...this.scores());
      const { alerts } = useCase.ir;
      this.row(
        alerts ? '## Model and alerts' : '## Model',
        ...(alerts ? [this.alerts()] : []),
        ...(endpoint ? [this.asked(endpoint)] : []),
        this.trainings(machine),
      );
    } else {
      this.row('## Features', this.states());
    }
  }

  private alarmsNamed(names: readonly string[]) {
    return names.map((resourceName) =>
      Alarm.fromAlarmArn(
        this,
        resourceName.replaceAll('/', '-'),
        Stack.of(this).formatArn({
          service: 'cloudwatch',
          resource: 'alarm',
          resourceName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ),
    );
  }

  private ingestion({ stream, functions }: PipelineDashboardProps): IWidget[] {
    return [
      graph('Records into the stream', [
        stream.stream.metricIncomingRecords({ statistic: Stats.SUM, period: PERIOD, label: 'records' }),
      ]),
      graph('Events', [
        this.metric(SERVICE.processor, METRIC.eventsAdmitted),
        this.metric(SERVICE.processor, METRIC.eventsApplied),
        this.metric(SERVICE.processor, METRIC.eventsDuplicate),
        this.metric(SERVICE.processor, METRIC.eventsSkipped),
        this.metric(SERVICE.archiver, METRIC.eventsArchived),
      ]),
      graph(
        'Lag: age of the record that is read',
        ['Processor', 'Archiver', 'Scorer', 'Publisher'].flatMap((name) => {
          const fn = functions[name];
          return fn === undefined
            ? []
            : [fn.metric('IteratorAge', { statistic: Stats.MAXIMUM, period: PERIOD, label: name })];
        }),
        'ms',
      ),
    ];
  }

  private sources(ways: readonly SourceWay[]): IWidget[] {
    const each = (...metrics: readonly MetricName[]) =>
      ways.flatMap(({ source, service }) =>
        metrics.map((metric) =>
          tidemarkMetric(this.deployment, service, metric, {
            period: PERIOD,
            source,
            label: `${source} (${service}) ${metric}`,
          }),
        ),
      );
    return [
      graph('Events that the stream took', each(METRIC.intakeEvents)),
      graph('Refused and lost', each(METRIC.intakeRefused, METRIC.intakeGaps)),
      graph('Not taken, and coming again', each(METRIC.intakeFailed)),
    ];
  }

  private processing({ functions }: PipelineDashboardProps): IWidget[] {
    return [
      graph(
        'Quarantine by reason',
        Object.keys(QUARANTINE_SENTENCES).map((reason) =>
          tidemarkMetric(this.deployment, SERVICE.processor, METRIC.quarantined, {
            period: PERIOD,
            reason,
            label: reason,
          }),
        ),
      ),
      graph('Schema drift, clocks and keys', [
        this.metric(SERVICE.processor, METRIC.driftFields),
        this.metric(SERVICE.processor, METRIC.eventsClamped),
        this.metric(SERVICE.processor, METRIC.eventsMisrouted),
        this.metric(SERVICE.processor, METRIC.stateWriteConflicts),
      ]),
      graph(
        'Function errors',
        Object.entries(functions).map(([name, fn]) => fn.metricErrors({ period: PERIOD, label: name })),
      ),
    ];
  }

  private states(): IWidget {
    return graph('States', [this.metric(SERVICE.processor, METRIC.statesWritten)]);
  }

  private scores(): IWidget[] {
    return [
      graph(
        'Freshness: from arrival to score',
        [Stats.p(50), Stats.p(99)].map((statistic) =>
          this.metric(SERVICE.scorer, METRIC.freshnessMs, statistic, statistic),
        ),
        'ms',
      ),
      graph('Scores', [
        this.metric(SERVICE.scorer, METRIC.entitiesScored, Stats.SUM, 'by event'),
        this.metric(SERVICE.sweep, METRIC.entitiesScored, Stats.SUM, 'by sweep'),
        this.metric(SERVICE.scorer, METRIC.scoreRefused, Stats.SUM, 'refused by scorer'),
        this.metric(SERVICE.sweep, METRIC.scoreRefused, Stats.SUM, 'refused by sweep'),
        this.metric(SERVICE.scorer, METRIC.scoringAwaited, Stats.SUM, 'waits for a first model'),
        this.metric(SERVICE.scorer, METRIC.scoringFailed, Stats.SUM, 'model failed'),
      ]),
    ];
  }

  private alerts(): IWidget {
    return graph('Alerts', [
      new MathExpression({
        expression: 'FILL(byEvent, 0) + FILL(bySweep, 0)',
        usingMetrics: {
          byEvent: this.metric(SERVICE.scorer, METRIC.alertsRaised),
          bySweep: this.metric(SERVICE.sweep, METRIC.alertsRaised),
        },
        period: PERIOD,
        label: METRIC.alertsRaised,
      }),
      ...[SERVICE.scorer, SERVICE.sweep].map((service) =>
        this.metric(service, METRIC.alertsSuppressed, Stats.SUM, `suppressed by ${service}`),
      ),
      this.metric(SERVICE.publisher, METRIC.alertsPublished),
      this.metric(SERVICE.notifier, METRIC.alertsSent),
      this.metric(SERVICE.notifier, METRIC.alertSendFailures),
    ]);
  }

  private asked(endpoint: ScoringEndpoint): IWidget {
    return graph('Endpoint', [
      endpoint.metric('Invocations', Stats.SUM, PERIOD),
      endpoint.metric('Invocation4XXErrors', Stats.SUM, PERIOD),
      endpoint.metric('Invocation5XXErrors', Stats.SUM, PERIOD),
    ]);
  }

  private trainings(machine: IStateMachine): IWidget {
    return graph('Training', [
      machine.metricSucceeded({ period: PERIOD, label: 'succeeded' }),
      machine.metricFailed({ period: PERIOD, label: 'failed or rejected' }),
    ]);
  }

  private metric(service: Service, name: MetricName, statistic: string = Stats.SUM, label: string = name): Metric {
    return tidemarkMetric(this.deployment, service, name, { period: PERIOD, statistic, label });
  }

  private row(markdown: string, ...widgets: IWidget[]): void {
    this.dashboard.addWidgets(new TextWidget({ markdown, width: 24, height: 1 }));
    this.dashboard.addWidgets(...widgets);
  }
}

function graph(title: string, left: IMetric[], unit?: string): GraphWidget {
  return new GraphWidget({
    title,
    left,
    width: WIDTH,
    height: 6,
    leftYAxis: { min: 0, showUnits: false, ...(unit && { label: unit }) },
  });
}
