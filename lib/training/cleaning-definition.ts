import type { TrainingDefinitionProps } from './definition-props.ts';
import { byMlflow } from './mlflow-definition.ts';
import { MISSING, RETRY_CLOUDWATCH, RETRY_TRANSIENT, SDK, type State } from './states.ts';

/** What was made by so many of the newest deployments stays, and always what serves: until two deployments later. */
const KEPT_RUNS = 3;

/**
 * After a deployment: its alarms go, and with a model that serves also older models and endpoint configurations. Versions in
 * the registry stay: going back deploys one of them anew. The configurations before are kept to point the endpoint back by
 * hand, when the state machine itself does not run.
 */
export function cleaningStates(props: TrainingDefinitionProps): Record<string, State> {
  return {
    ...removeAlarms('Serving', 'DescribeChampion'),
    ...removeAlarms('Failing', 'DeploymentFailed'),
    ...deleteOlder(props, { kind: 'EndpointConfig', next: 'ListModels' }),
    ...deleteOlder(props, { kind: 'Model', next: byMlflow(props, 'TellServing', 'Deployed') }),
  };
}

/** Names to delete: not of the newest runs, not of what serves now or has just before. */
const OWN_NAMES = [
  `$own := $filter($states.result.KINDs.KINDName, function($n) { $contains($n, /^NAME-[0-9a-f]{12}(-[sx])?$/) })`,
  `$runOf := function($n) { $replace($n, /-[sx]$/, '') }`,
  `$runs := $distinct([$map($own, $runOf)])`,
  `$kept := $append($filter($runs, function($r, $i) { $i < ${KEPT_RUNS} }), [$serving_config, $live_model, $live_challenger, $runOf($serving_config)])`,
  `[$filter($own, function($n) { $not($n in $kept) and $not($runOf($n) in $kept) })]`,
].join('; ');

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
  of: { kind: 'EndpointConfig' | 'Model'; next: string },
): Record<string, State> {
  return {
    [`List${of.kind}s`]: {
      Type: 'Task',
      Resource: `${SDK}:list${of.kind}s`,
      Arguments: { NameContains: name, SortBy: 'CreationTime', SortOrder: 'Descending', MaxResults: 100 },
      Retry: RETRY_TRANSIENT,
      Assign: {
        // The name of another use case may begin with this one's: only names of its own form count. A deployment makes a
        // configuration of its model alone, and with a shadow or an experiment another one.
        older: `{% (${OWN_NAMES}) %}`.replaceAll('KIND', of.kind).replaceAll('NAME', name),
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
