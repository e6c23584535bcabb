import { Alarm, type ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Deployment } from '../foundation/deployment.ts';

/** `critical`: data or alerts are being lost or late, act now. `warning`: look at it today. */
export type Severity = 'critical' | 'warning';

export interface AlarmProps {
  readonly severity: Severity;
  /** One sentence: what happened, for whoever reads it at night. */
  readonly sentence: string;
  /** Anchor of the article in docs/runbook.md. */
  readonly runbook: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly comparison: ComparisonOperator;
  readonly evaluationPeriods: number;
  /** @default - all evaluation periods */
  readonly datapointsToAlarm?: number;
  /** What no data means here, and why. */
  readonly missing: { readonly treat: TreatMissingData; readonly because: string };
}

export interface AlarmRegistryProps {
  readonly deployment: Deployment;
  readonly topic: ITopic;
}

/** The one door through which alarms are made, so that each has a name, a sentence, an article, a severity and an action. */
export class AlarmRegistry extends Construct {
  /** Of all alarms made so far. */
  readonly names: string[] = [];
  /** `<stage>/<use case>/`, what all names begin with. */
  readonly prefix: string;
  private readonly props: AlarmRegistryProps;

  constructor(scope: Construct, id: string, props: AlarmRegistryProps) {
    super(scope, id);
    this.props = props;
    this.prefix = `${props.deployment.stage.stage}/${props.deployment.useCase.ir.name}/`;
  }

  /**
   * @param name PascalCase, unique in the registry; the alarm is called `<stage>/<use case>/<name>`, the name people read in
   *   a message, so it is given and not generated
   */
  add(name: string, alarm: AlarmProps): Alarm {
    const alarmName = `${this.prefix}${name}`;
    const made = new Alarm(this, name, {
      alarmName,
      alarmDescription: [
        `${alarm.severity.toUpperCase()}: ${alarm.sentence}`,
        `Runbook: docs/runbook.md#${alarm.runbook}`,
        `No data: ${alarm.missing.treat}, because ${alarm.missing.because}.`,
      ].join('\n'),
      metric: alarm.metric,
      threshold: alarm.threshold,
      comparisonOperator: alarm.comparison,
      evaluationPeriods: alarm.evaluationPeriods,
      datapointsToAlarm: alarm.datapointsToAlarm,
      treatMissingData: alarm.missing.treat,
    });
    const action = new SnsAction(this.props.topic);
    made.addAlarmAction(action);
    made.addOkAction(action);
    this.names.push(alarmName);
    return made;
  }
}

/** The usual meaning of no data for counters of bad things. */
export const QUIET = {
  treat: TreatMissingData.NOT_BREACHING,
  because: 'the metric counts failures and is silent when there are none',
} as const;
