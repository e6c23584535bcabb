import { CHALLENGER_VARIANT, CHAMPION_VARIANT } from '../../names/variants.ts';
import type { TrainingDefinitionProps } from './definition-props.ts';
import { BUSY, MISSING, pollLimit, RETRY_TRANSIENT, SDK, type State } from './states.ts';
import { UNKNOWN } from './topology-definition.ts';

/** What stands there: nothing, a failed endpoint, one that another execution changes, or one that serves, and what. */
export function findingStates(props: TrainingDefinitionProps): Record<string, State> {
  return { ...endpointStates(props), ...liveStates() };
}

const variant = (name: string) => `$states.result.ProductionVariants[VariantName='${name}']`;

function endpointStates(props: TrainingDefinitionProps): Record<string, State> {
  const { name, pollSeconds } = props;
  return {
    FindEndpoint: {
      Type: 'Task',
      Comment:
        'SageMaker answers a missing endpoint with a general validation error; any other cause fails again in CreateEndpoint',
      Resource: `${SDK}:describeEndpoint`,
      Arguments: { EndpointName: name },
      Assign: {
        endpoint_status: '{% $states.result.EndpointStatus %}',
        live_config: "{% $exists($states.result.EndpointConfigName) ? $states.result.EndpointConfigName : '' %}",
        endpoint_config: "{% $exists($states.result.EndpointConfigName) ? $states.result.EndpointConfigName : '' %}",
        desired_instances: `{% $exists(${variant(CHAMPION_VARIANT)}.DesiredInstanceCount) ? ${variant(CHAMPION_VARIANT)}.DesiredInstanceCount : 0 %}`,
        polls: '{% $polls + 1 %}',
      },
      Catch: [{ ErrorEquals: MISSING, Assign: { endpoint_status: 'Missing', ...UNKNOWN }, Next: 'LiveModelKnown' }],
      Next: 'EndpointFound',
    },
    EndpointFound: {
      Type: 'Choice',
      Choices: [
        { Condition: "{% $endpoint_status = 'Failed' %}", Next: 'DeleteFailedEndpoint' },
        { Condition: `{% $endpoint_status in ${BUSY} and $polls > ${pollLimit(props)} %}`, Next: 'StuckEndpoint' },
        { Condition: `{% $endpoint_status in ${BUSY} %}`, Next: 'WaitForTurn' },
      ],
      Default: 'FindLiveConfig',
    },
    DeleteFailedEndpoint: {
      Type: 'Task',
      Comment: 'DescribeEndpoint: "DeleteEndpoint is the only operation that can be performed on a failed endpoint"',
      Resource: `${SDK}:deleteEndpoint`,
      Arguments: { EndpointName: name },
      Retry: RETRY_TRANSIENT,
      Next: 'WaitForTurn',
    },
    WaitForTurn: { Type: 'Wait', Seconds: pollSeconds, Next: 'FindEndpoint' },
    StuckEndpoint: {
      Type: 'Pass',
      Comment: 'docs/runbook.md#endpoint-stuck',
      Assign: {
        failure: `{% ': it has been so for ' & $string($polls * ${pollSeconds}) & ' s, longer than any change takes; runbook: endpoint-stuck' %}`,
      },
      Next: 'AfterFailing',
    },
  };
}

/** Which packages are served, and how. */
function liveStates(): Record<string, State> {
  const champion = variant(CHAMPION_VARIANT);
  const challenger = variant(CHALLENGER_VARIANT);
  const packageOf =
    "{% $exists($states.result.PrimaryContainer.ModelPackageName) ? $states.result.PrimaryContainer.ModelPackageName : '' %}";
  const gone = [{ ErrorEquals: MISSING, Assign: UNKNOWN, Next: 'LiveModelKnown' }];
  return {
    FindLiveConfig: {
      Type: 'Task',
      Resource: `${SDK}:describeEndpointConfig`,
      Arguments: { EndpointConfigName: '{% $live_config %}' },
      Assign: {
        live_model: `{% ${champion}.ModelName %}`,
        live_instances: `{% $exists(${champion}.InitialInstanceCount) ? ${champion}.InitialInstanceCount : 0 %}`,
        live_type: `{% $exists(${champion}.InstanceType) ? ${champion}.InstanceType : '' %}`,
        live_settings: `{% $string($exists(${champion}.ServerlessConfig) ? [${champion}.ServerlessConfig.MemorySizeInMB, ${champion}.ServerlessConfig.MaxConcurrency] : [${champion}.InstanceType, ${champion}.InitialInstanceCount]) %}`,
        live_challenger: `{% $exists(${challenger}) ? ${challenger}.ModelName : '' %}`,
        live_challenger_package: '',
        live_shadow: '{% $count($states.result.ShadowProductionVariants) > 0 %}',
      },
      Retry: RETRY_TRANSIENT,
      // Deleted by hand: it goes on serving, but says no longer what.
      Catch: gone,
      Next: 'FindLiveModel',
    },
    FindLiveModel: {
      Type: 'Task',
      Resource: `${SDK}:describeModel`,
      Arguments: { ModelName: '{% $live_model %}' },
      Assign: {
        live_package: packageOf,
        live_settings: '{% $live_settings & $states.result.ExecutionRoleArn %}',
      },
      Retry: RETRY_TRANSIENT,
      Catch: gone,
      Next: 'LiveChallenger',
    },
    LiveChallenger: {
      Type: 'Choice',
      Choices: [{ Condition: "{% $live_challenger = '' %}", Next: 'LiveModelKnown' }],
      Default: 'FindLiveChallenger',
    },
    FindLiveChallenger: {
      Type: 'Task',
      Resource: `${SDK}:describeModel`,
      Arguments: { ModelName: '{% $live_challenger %}' },
      Assign: { live_challenger_package: packageOf },
      Retry: RETRY_TRANSIENT,
      Catch: [{ ErrorEquals: MISSING, Next: 'LiveModelKnown' }],
      Next: 'LiveModelKnown',
    },
  };
}
