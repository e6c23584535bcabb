import type { TrainingDefinitionProps } from './definition-props.ts';
import { ROLLBACK_ALARMS, type RollbackAlarm } from './rollback-alarms.ts';
import { RETRY_CLOUDWATCH, type State } from './states.ts';

/** AWS's own example "Monitor model latency on the new fleet": the dimension EndpointConfigName leaves the old fleet out. */
export function putAlarm(
  alarm: RollbackAlarm,
  of: { alarmPrefix: string; name: string; variant: string; next: RollbackAlarm | undefined },
): State {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::aws-sdk:cloudwatch:putMetricAlarm',
    Arguments: {
      AlarmName: `{% '${of.alarmPrefix}${alarm.name}-' & $run %}`,
      AlarmDescription: alarm.sentence,
      ActionsEnabled: false,
      Namespace: 'AWS/SageMaker',
      MetricName: alarm.metric,
      Dimensions: [
        { Name: 'EndpointName', Value: of.name },
        { Name: 'VariantName', Value: of.variant },
        { Name: 'EndpointConfigName', Value: `{% '${of.name}-' & $run %}` },
      ],
      ...alarm.statistic,
      Period: alarm.periodSeconds,
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

/** Blue/green: a part of the new fleet first, back at once when one of its alarms rings. */
export function canary(endpoint: TrainingDefinitionProps['endpoint'], alarmPrefix: string): State {
  const { canaryPercent, instances } = endpoint;
  // How AWS rounds a percentage to instances is not documented: less than one is asked for as one.
  const size =
    (instances * canaryPercent) / 100 < 1
      ? { Type: 'INSTANCE_COUNT', Value: 1 }
      : { Type: 'CAPACITY_PERCENT', Value: canaryPercent };
  return {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: {
        Type: 'CANARY',
        CanarySize: size,
        WaitIntervalInSeconds: endpoint.canaryWaitSeconds,
      },
      TerminationWaitInSeconds: endpoint.terminationWaitSeconds,
      // Beside the waits: an hour for both fleets' instances to start and to end.
      MaximumExecutionTimeoutInSeconds: endpoint.canaryWaitSeconds + endpoint.terminationWaitSeconds + 3600,
    },
    AutoRollbackConfiguration: {
      Alarms: ROLLBACK_ALARMS.map(({ name }) => ({ AlarmName: `{% '${alarmPrefix}${name}-' & $run %}` })),
    },
  };
}
