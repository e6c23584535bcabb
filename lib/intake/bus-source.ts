import { Duration, Fn } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { EventBus, type EventPattern, type IEventBus, Match, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { z } from 'zod';
import { CARRIAGE_OPTIONS } from '../../core/ir/source-options.ts';
import type { Env } from '../../lambdas/intake-event/env.ts';
import { METRIC, SERVICE } from '../../names/metrics.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { QUIET } from '../monitoring/alarm-registry.ts';
import { addDeadLetterAlarm, addErrorAlarm } from '../monitoring/function-alarms.ts';
import { tidemarkMetric } from '../monitoring/metrics.ts';
import { grantIntake, intakeEnvironment, type SourceProps } from './intake-source.ts';

/** Where events of a source come from, in a stage: `sources: { <name>: { bus: { … } } }`. */
export const busAddress = z
  .strictObject({
    /** Of a partner that has made its event source for this account: a bus of that name is made and receives from it. */
    eventSource: z
      .string()
      .regex(/^aws\.partner(\/[.\-_A-Za-z0-9]+){2,}$/, 'a partner event source such as aws.partner/stripe.com/ed_1')
      .optional(),
    /** Name of a bus that is there already. */
    bus: z
      .string()
      .regex(/^[/.\-_A-Za-z0-9]{1,256}$/, 'the name of an event bus')
      .optional(),
    /** Nothing for so long (h) is told; absent: nobody expects it to come regularly. */
    silenceHours: z.int().min(1).max(168).optional(),
  })
  .refine(({ eventSource, bus }) => (eventSource === undefined) !== (bus === undefined), {
    message: 'eventSource, or bus',
  });

const DEFAULT = 'default';
/** EventBridge's own limits and defaults, said so that they can be seen: what is left then is in the dead-letter queue. */
const RETRIES = 185;
const MAX_AGE = Duration.hours(24);
const TIMEOUT_SECONDS = 60;

export type BusAddress = z.output<typeof busAddress>;

interface BusSourceProps extends SourceProps {
  readonly address: BusAddress;
}

/** A source whose events come over a bus: of a partner such as Stripe or Salesforce, or any other. */
export class BusSource extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: BusSourceProps) {
    super(scope, id);
    const { deployment, alarms, source, key, address } = props;
    const { stage } = deployment;
    const name = `${pascalCase(source.name)}Bus`;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.intakeEvent,
      entry: 'intake-event/handler.ts',
      description: `Takes the events of ${source.name}`,
      memoryMiB: stage.intake.memoryMiB,
      timeoutSeconds: TIMEOUT_SECONDS,
      concurrency: stage.intake.concurrency,
      mapModule: source.map_with,
      invocation: { kind: 'asynchronous', key },
      environment: intakeEnvironment(props, 'bus'),
    });
    grantIntake(this.fn, props);
    const busName = address.eventSource ?? address.bus!;
    const deadLetters = this.fn.deadLetters!;
    const rule = new Rule(this, 'Rule', {
      description: `Events of ${source.name}`,
      eventBus: this.busOf(address),
      eventPattern: patternOf(props),
      // What EventBridge can't hand over and what the function can't take wait in one queue: both are the event as it was.
      targets: [
        new LambdaFunction(this.fn.function, {
          deadLetterQueue: deadLetters,
          retryAttempts: RETRIES,
          maxEventAge: MAX_AGE,
        }),
      ],
    });
    addErrorAlarm(
      alarms,
      name,
      this.fn.function,
      'Its events are tried twice more, and then wait in its dead-letter queue.',
    );
    addDeadLetterAlarm(alarms, name, deadLetters, `Events of ${source.name} were not taken`);
    alarms.add(`${name}FailedInvocations`, {
      severity: 'critical',
      sentence: `EventBridge could not hand events of ${source.name} to their function; they wait in its dead-letter queue.`,
      runbook: 'source-events-failed',
      metric: new Metric({
        namespace: 'AWS/Events',
        metricName: 'FailedInvocations',
        dimensionsMap: {
          RuleName: ruleNameOf(rule, busName),
          ...(busName === DEFAULT ? {} : { EventBusName: busName }),
        },
        statistic: Stats.SUM,
        period: Duration.minutes(5),
      }),
      threshold: 1,
      comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      missing: QUIET,
    });
    this.addSilenceAlarm(name, props);
  }

  private addSilenceAlarm(name: string, { deployment, alarms, source, address }: BusSourceProps): void {
    const { silenceHours } = address;
    if (silenceHours === undefined) return;
    alarms.add(`${name}Silent`, {
      severity: 'warning',
      sentence: `Nothing has come from ${source.name} for ${silenceHours} h.`,
      runbook: 'source-silent',
      metric: tidemarkMetric(deployment, SERVICE.intakeEvent, METRIC.intakeReceived, {
        period: Duration.hours(1),
        source: source.name,
      }),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: silenceHours,
      missing: {
        treat: TreatMissingData.BREACHING,
        because: 'the function counts only what comes, so that no data is the silence that is meant',
      },
    });
  }

  /** "The name must exactly match the name of the partner event source that this event bus is matched to." */
  private busOf({ eventSource, bus }: BusAddress): IEventBus {
    if (eventSource !== undefined) return new EventBus(this, 'Bus', { eventSourceName: eventSource });
    return EventBus.fromEventBusName(this, 'Bus', bus!);
  }
}

/** A partner's bus has nothing but the partner's events; of any other bus the source's options say which. */
function patternOf({ source, address }: BusSourceProps): EventPattern {
  const options = CARRIAGE_OPTIONS.bus.parse(source.via.find(({ kind }) => kind === 'bus')?.options ?? {});
  const { sources, detailTypes: detailType } = options;
  if (address.eventSource !== undefined) return { source: [address.eventSource], detailType };
  // A pattern has to say something.
  return { source: sources ?? (detailType ? undefined : Match.prefix('')), detailType };
}

/** From `…:rule/<bus>/<name>`, as the reference to a rule is another text; the name of a bus may hold slashes, too. */
function ruleNameOf(rule: Rule, bus: string): string {
  const before = bus === DEFAULT ? 1 : 1 + bus.split('/').length;
  return Fn.select(before, Fn.split('/', rule.ruleArn));
}
