import {
  Alarm,
  type AlarmBase,
  AlarmRule,
  AlarmState,
  type ComparisonOperator,
  CompositeAlarm,
  type IMetric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Deployment } from '../foundation/deployment.ts';

/** `critical`: data or alerts are being lost or late, act now. `warning`: look at it today. */
export type Severity = 'critical' | 'warning';

/** What an alarm says to a person. */
export interface AlarmText {
  readonly severity: Severity;
  /** One sentence: what happened, for whoever reads it at night. */
  readonly sentence: string;
  /** Anchor of the article in docs/runbook.md. */
  readonly runbook: string;
}

/** What an alarm watches. */
export interface Watched {
  readonly metric: IMetric;
  readonly threshold: number;
  readonly comparison: ComparisonOperator;
  readonly evaluationPeriods: number;
  /** @default - all evaluation periods */
  readonly datapointsToAlarm?: number;
  /** What no data means here, and why. */
  readonly missing: { readonly treat: TreatMissingData; readonly because: string };
}

export interface AlarmProps extends AlarmText, Watched {}

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
    const made = this.watch(name, alarm, textOf(alarm));
    this.tell(name, made);
    return made;
  }

  /**
   * An alarm that rings while all of its parts do, where one metric alone can't tell trouble from a beginning. The parts
   * tell nobody.
   *
   * @param parts by a name, PascalCase and unique in the registry
   */
  addWhileAll(name: string, text: AlarmText, parts: Readonly<Record<string, Watched>>): CompositeAlarm {
    const rules = Object.entries(parts).map(([part, watched]) =>
      AlarmRule.fromAlarm(this.watch(part, watched, `Part of ${this.prefix}${name}.`), AlarmState.ALARM),
    );
    const made = new CompositeAlarm(this, name, {
      compositeAlarmName: `${this.prefix}${name}`,
      alarmDescription: textOf(text),
      alarmRule: AlarmRule.allOf(...rules),
    });
    this.tell(name, made);
    return made;
  }

  private watch(name: string, watched: Watched, text: string): Alarm {
    return new Alarm(this, name, {
      alarmName: `${this.prefix}${name}`,
      alarmDescription: `${text}\nNo data: ${watched.missing.treat}, because ${watched.missing.because}.`,
      metric: watched.metric,
      threshold: watched.threshold,
      comparisonOperator: watched.comparison,
      evaluationPeriods: watched.evaluationPeriods,
      datapointsToAlarm: watched.datapointsToAlarm,
      treatMissingData: watched.missing.treat,
    });
  }

  /** When it starts and when it is over. */
  private tell(name: string, alarm: AlarmBase): void {
    const action = new SnsAction(this.props.topic);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
    this.names.push(`${this.prefix}${name}`);
  }
}

function textOf({ severity, sentence, runbook }: AlarmText): string {
  return `${severity.toUpperCase()}: ${sentence}\nRunbook: docs/runbook.md#${runbook}`;
}

/** The usual meaning of no data for counters of bad things. */
export const QUIET = {
  treat: TreatMissingData.NOT_BREACHING,
  because: 'the metric counts failures and is silent when there are none',
} as const;
