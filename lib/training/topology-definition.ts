import type { TrainingDefinitionProps } from './definition-props.ts';
import type { State } from './states.ts';

/**
 * What the deployment remembers. `wanted`: `champion`, one model that serves all; `challenger`, a second beside it; `one`, the
 * champion alone again. `goal` is what the change of the endpoint that is waited for is for, `target` the configuration that
 * it ends with. `alarms` are those made for this deployment, `refusal` is why it was not made.
 */
export const DEPLOYMENT_VARIABLES = {
  wanted: 'champion',
  goal: '',
  target: '',
  polls: 0,
  restored: false,
  scaling: 'kept',
  observed: false,
  alarms: [],
  refusal: '',
  failure: '',
  endpoint_config: '',
  champion_package: '',
  challenger_package: '',
  packages: {},
};

/** Nothing is known of what serves. */
export const UNKNOWN = {
  live_config: '',
  live_model: '',
  live_package: '',
  live_settings: '',
  live_instances: 0,
  live_type: '',
  live_challenger: '',
  live_challenger_package: '',
  live_shadow: false,
};

/**
 * Choices of the entering state: to put a second model beside the one that serves, `{ challenger_package_arn }`, and to let
 * the first serve alone again, `{ end_experiment: true }`.
 * @param run variables of each execution
 */
export function topologyEntries(
  { endpoint }: Pick<TrainingDefinitionProps, 'endpoint'>,
  run: Readonly<Record<string, unknown>>,
): State[] {
  const next = endpoint.experiments ? 'FindEndpoint' : 'ExperimentsOff';
  return [
    {
      Condition: '{% $exists($states.input.challenger_package_arn) %}',
      Assign: {
        ...run,
        gate: null,
        wanted: 'challenger',
        model_package_arn: '{% $states.input.challenger_package_arn %}',
      },
      Next: next,
    },
    {
      Condition: '{% $states.input.end_experiment = true %}',
      Assign: { ...run, gate: null, wanted: 'one', model_package_arn: '' },
      Next: next,
    },
  ];
}

/** What is to be done of what was found there. */
export function topologyStates(props: TrainingDefinitionProps): Record<string, State> {
  return {
    LiveModelKnown: {
      Type: 'Choice',
      Comment:
        'EventBridge and SageMaker may tell one approval more than once: what is served already is not deployed again',
      Choices: [
        ...served(props),
        { Condition: "{% $refusal != '' %}", Next: 'AfterFailing' },
        ...refused(),
        ...changed(),
      ],
      Default: 'FindPackage',
    },
    ...experimentsOff(props.endpoint),
  };
}

/** Where `topologyEntries` leads if the stage has no experiments. */
export function experimentsOff({ experiments }: Pick<TrainingDefinitionProps['endpoint'], 'experiments'>): State {
  if (experiments) return {};
  const Cause = 'endpoint.experiments is false in the configuration of this stage: set it to true and deploy first';
  return { ExperimentsOff: { Type: 'Fail', Error: 'ExperimentsOff', Cause } };
}

/** What is wanted serves already. */
function served({ endpoint, hostingRoleArn }: TrainingDefinitionProps): State[] {
  const settings = settingsOf(endpoint);
  return [
    {
      Condition: `{% $wanted = 'champion' and $live_package = $model_package_arn and $live_challenger = '' and $not($live_shadow) and $live_settings = $string([${settings.join(', ')}]) & '${hostingRoleArn}' %}`,
      Assign: { serving_config: '{% $live_config %}', champion_package: '{% $live_package %}' },
      Next: 'AfterServing',
    },
    {
      Condition:
        "{% $wanted = 'challenger' and $live_challenger != '' and $live_challenger_package = $model_package_arn %}",
      Assign: {
        serving_config: '{% $live_config %}',
        champion_package: '{% $live_package %}',
        challenger_package: '{% $model_package_arn %}',
      },
      Next: 'AfterServing',
    },
    {
      Condition: "{% $wanted = 'one' and $live_package != '' and $live_challenger = '' %}",
      Assign: { serving_config: '{% $live_config %}', champion_package: '{% $live_package %}' },
      Next: 'AfterServing',
    },
  ];
}

/** Each with its words. */
function refused(): State[] {
  const refuse = (Condition: string, words: string) => ({
    Condition: `{% ${Condition} %}`,
    Assign: { refusal: words },
    Next: 'AfterFailing',
  });
  return [
    refuse(
      "$wanted = 'champion' and $live_challenger != ''",
      'An experiment runs, and its champion may not change on the way: end it first, then approve this version again',
    ),
    refuse("$wanted = 'challenger' and $live_challenger != ''", 'Another challenger serves: end that experiment first'),
    refuse(
      "$wanted != 'champion' and $live_package = ''",
      'No model of this registry serves: approve one first, an experiment needs a champion',
    ),
  ];
}

/** Back to one model first. The configuration that serves a model alone has the model's name. */
function changed(): State[] {
  return [
    {
      Condition: "{% $wanted = 'one' %}",
      Assign: { goal: 'one', target: '{% $live_model %}' },
      Next: 'BeforeEnding',
    },
    {
      // What an execution left that was stopped while a shadow listened.
      Condition: '{% $live_shadow %}',
      Assign: { goal: 'again', target: '{% $live_model %}' },
      Next: 'UpdateAtOnce',
    },
  ];
}

/** JSONata texts of what is compared of a variant: how it is served. */
function settingsOf({ mode, instanceType, instances, serverless }: TrainingDefinitionProps['endpoint']): string[] {
  return mode === 'serverless'
    ? [String(serverless?.memoryMiB), String(serverless?.maxConcurrency)]
    : [`'${instanceType}'`, String(instances)];
}

/** Of a production variant in an endpoint configuration: on what it runs. */
export function placeOf({ mode, instanceType, instances, serverless }: TrainingDefinitionProps['endpoint']): State {
  return mode === 'serverless'
    ? { ServerlessConfig: { MemorySizeInMB: serverless?.memoryMiB, MaxConcurrency: serverless?.maxConcurrency } }
    : { InstanceType: instanceType, InitialInstanceCount: instances };
}
