import type { TrainingDefinitionProps } from './definition-props.ts';
import { byMlflow } from './mlflow-definition.ts';
import { MISSING, RETRY_CLOUDWATCH, RETRY_TRANSIENT, SDK, type State } from './states.ts';

/** So many of the newest models and endpoint configurations stay, and the one that serves always. */
const KEPT_VERSIONS = 3;

/**
 * After a deployment: its alarms go, and with a model that serves also older models and endpoint configurations. Versions in
 * the registry stay: going back deploys one of them anew. The configurations before are kept to point the endpoint back by
 * hand, when the state machine itself does not run.
 */
export function cleaningStates(props: TrainingDefinitionProps): Record<string, State> {
  return {
    ...removeAlarms('Serving', 'ListEndpointConfigs'),
    ...removeAlarms('Failing', 'DeploymentFailed'),
    ...deleteOlder(props, { kind: 'EndpointConfig', serving: '$serving_config', next: 'ListModels' }),
    ...deleteOlder(props, {
      kind: 'Model',
      serving: '$model_name',
      next: byMlflow(props, 'RecordServing', 'Deployed'),
    }),
  };
}

function removeAlarms(after: 'Serving' | 'Failing', next: string): Record<string, State> {
  return {
    [`After${after}`]: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $count($alarms) = 0 %}', Next: next }],
      Default: `RemoveAlarmsAfter${after}`,
    },
    [`RemoveAlarmsAfter${after}`]: {
      Type: 'Task',
      Resource: 'arn:aws:states:::aws-sdk:cloudwatch:deleteAlarms',
      Arguments: { AlarmNames: '{% $alarms %}' },
      Retry: RETRY_CLOUDWATCH,
      Next: next,
    },
  };
}

/** Lists what this machine made, newest first, and deletes what is past the kept ones. */
function deleteOlder(
  { name }: TrainingDefinitionProps,
  of: { kind: 'EndpointConfig' | 'Model'; serving: string; next: string },
): Record<string, State> {
  return {
    [`List${of.kind}s`]: {
      Type: 'Task',
      Resource: `${SDK}:list${of.kind}s`,
      Arguments: { NameContains: name, SortBy: 'CreationTime', SortOrder: 'Descending', MaxResults: 100 },
      Retry: RETRY_TRANSIENT,
      Assign: {
        // The name of another use case may begin with this one's: only names of its own form count.
        older: `{% ($own := $filter($states.result.${of.kind}s.${of.kind}Name, function($n) { $contains($n, /^${name}-[0-9a-f]{12}$/) }); [$filter($own, function($n, $i) { $i >= ${KEPT_VERSIONS} and $n != ${of.serving} })]) %}`,
      },
      Next: `DeleteOld${of.kind}s`,
    },
    [`DeleteOld${of.kind}s`]: {
      Type: 'Map',
      Items: '{% $older %}',
      MaxConcurrency: 1,
      ItemProcessor: {
        ProcessorConfig: { Mode: 'INLINE' },
        StartAt: `Delete${of.kind}`,
        States: {
          [`Delete${of.kind}`]: {
            Type: 'Task',
            Resource: `${SDK}:delete${of.kind}`,
            Arguments: { [`${of.kind}Name`]: '{% $states.input %}' },
            // Deleted by another execution in the meantime: SageMaker answers with its general error.
            Catch: [{ ErrorEquals: MISSING, Next: `${of.kind}Left` }],
            End: true,
          },
          [`${of.kind}Left`]: { Type: 'Pass', End: true },
        },
      },
      Next: of.next,
    },
  };
}
