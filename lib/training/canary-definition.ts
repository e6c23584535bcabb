import { METRIC_NAMESPACE } from '../../names/metrics.ts';
import { CHAMPION_VARIANT } from '../../names/variants.ts';
import type { TrainingDefinitionProps } from './definition-props.ts';
import { ROLLBACK_ALARMS, type RollbackAlarm, scoreDimensions, shiftQueries } from './rollback-alarms.ts';
import { bakeSeconds, RETRY_CLOUDWATCH, STARTS_SECONDS, type State } from './states.ts';

interface AlarmOf {
  readonly alarmPrefix: string;
  /** Of the endpoint. */
  readonly name: string;
  readonly deployment: TrainingDefinitionProps['deployment'];
  /** How far means may be apart. */
  readonly most: number;
  readonly next: RollbackAlarm | undefined;
}

export function putAlarm(alarm: RollbackAlarm, of: AlarmOf): State {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::aws-sdk:cloudwatch:putMetricAlarm',
    Arguments: {
      AlarmName: `{% '${of.alarmPrefix}${alarm.name}-' & $run %}`,
      AlarmDescription: alarm.sentence,
      ActionsEnabled: false,
      ...watched(alarm, of),
      EvaluationPeriods: alarm.evaluationPeriods,
      DatapointsToAlarm: alarm.datapointsToAlarm,
      Threshold: alarm.threshold,
      ComparisonOperator: alarm.comparison,
      // Without requests there are no metrics of the new fleet.
      TreatMissingData: 'notBreaching',
    },
    Assign: { alarms: `{% $append($alarms, ['${of.alarmPrefix}${alarm.name}-' & $run]) %}` },
    Retry: RETRY_CLOUDWATCH,
    Next: of.next === undefined ? 'UpdateEndpoint' : `Put${of.next.name}`,
  };
}

/** AWS's own example "Monitor model latency on the new fleet": the dimension EndpointConfigName leaves the old fleet out. */
function watched({ watches, periodSeconds }: RollbackAlarm, of: AlarmOf): State {
  const version = '{% $model_version %}';
  if (watches.kind === 'shift')
    return { Metrics: shiftQueries(watches, { ...of.deployment, most: of.most, periodSeconds }, version) };
  const fleet = [
    { Name: 'EndpointName', Value: of.name },
    { Name: 'VariantName', Value: CHAMPION_VARIANT },
    { Name: 'EndpointConfigName', Value: `{% '${of.name}-' & $run %}` },
  ];
  return {
    Namespace: watches.kind === 'fleet' ? 'AWS/SageMaker' : METRIC_NAMESPACE,
    MetricName: watches.metric,
    Dimensions: watches.kind === 'fleet' ? fleet : scoreDimensions(of.deployment, version),
    ...watches.statistic,
    Period: periodSeconds,
  };
}

/** A part of the new fleet first, back at once when one of its alarms rings. */
export function guarded(endpoint: TrainingDefinitionProps['endpoint'], alarmPrefix: string): State {
  const MaximumExecutionTimeoutInSeconds = bakeSeconds({ endpoint }) + STARTS_SECONDS;
  const policy =
    endpoint.routing === 'rolling'
      ? {
          RollingUpdatePolicy: {
            MaximumBatchSize: sizeOf(endpoint),
            WaitIntervalInSeconds: endpoint.canaryWaitSeconds,
            MaximumExecutionTimeoutInSeconds,
            // All at once back: the old fleet's whole capacity is there before the new one's goes.
            RollbackMaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 100 },
          },
        }
      : {
          BlueGreenUpdatePolicy: {
            TrafficRoutingConfiguration: {
              Type: 'CANARY',
              CanarySize: sizeOf(endpoint),
              WaitIntervalInSeconds: endpoint.canaryWaitSeconds,
            },
            TerminationWaitInSeconds: endpoint.terminationWaitSeconds,
            MaximumExecutionTimeoutInSeconds,
          },
        };
  return {
    ...policy,
    AutoRollbackConfiguration: {
      Alarms: ROLLBACK_ALARMS.map(({ name }) => ({ AlarmName: `{% '${alarmPrefix}${name}-' & $run %}` })),
    },
  };
}

/** How AWS rounds a percentage to instances is not documented: less than one instance is asked for as one. */
function sizeOf({ instances, canaryPercent }: TrainingDefinitionProps['endpoint']): State {
  return (instances * canaryPercent) / 100 < 1
    ? { Type: 'INSTANCE_COUNT', Value: 1 }
    : { Type: 'CAPACITY_PERCENT', Value: canaryPercent };
}
