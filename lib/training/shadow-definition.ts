import { CHALLENGER_VARIANT, CONFIG_ENDING } from '../../names/variants.ts';
import type { TrainingDefinitionProps } from './definition-props.ts';
import { liveVariant } from './making-definition.ts';
import { RETRY_TRANSIENT, type State } from './states.ts';
import { placeOf } from './topology-definition.ts';

/**
 * The new model listens: SageMaker copies each request to it and keeps what it answers. Then it goes, and what it answered is
 * compared with our own predictions of the same vectors. It goes first either way: deployment guardrails want both
 * configurations to have the same variants.
 */
export function shadowStates(props: TrainingDefinitionProps): Record<string, State> {
  const { shadow, endpoint } = props;
  if (!shadow || !endpoint.shadow) return {};
  return { ...listeningStates(props, shadow), ...comparingStates(props.name, shadow, endpoint.shadow.seconds) };
}

type Shadow = NonNullable<TrainingDefinitionProps['shadow']>;

function listeningStates(
  { name, endpoint, kmsKeyArn }: TrainingDefinitionProps,
  { captureUri }: Shadow,
): Record<string, State> {
  const config = `{% '${name}-' & $run & '${CONFIG_ENDING.shadow}' %}`;
  return {
    CreateShadowConfig: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sagemaker:createEndpointConfig',
      Arguments: {
        EndpointConfigName: config,
        ProductionVariants: [liveVariant()],
        // The same weight as the champion's: a copy of every request.
        ShadowProductionVariants: [
          {
            VariantName: CHALLENGER_VARIANT,
            ModelName: `{% '${name}-' & $run %}`,
            ...placeOf(endpoint),
            InitialVariantWeight: 1,
          },
        ],
        DataCaptureConfig: {
          EnableCapture: true,
          InitialSamplingPercentage: 100,
          DestinationS3Uri: `{% '${captureUri}' & $run %}`,
          ...(kmsKeyArn && { KmsKeyId: kmsKeyArn }),
          CaptureOptions: [{ CaptureMode: 'InputAndOutput' }],
          CaptureContentTypeHeader: { JsonContentTypes: ['application/json'] },
        },
      },
      Assign: { goal: 'shadow', target: config, observed: true },
      Retry: RETRY_TRANSIENT,
      Next: 'UpdateAtOnce',
    },
  };
}

/** Compared once it is gone: SageMaker writes what it captured some minutes later. */
function comparingStates(name: string, { functionArn }: Shadow, seconds: number): Record<string, State> {
  return {
    ShadowListens: { Type: 'Wait', Seconds: seconds, Next: 'ShadowGoes' },
    ShadowGoes: {
      Type: 'Pass',
      Assign: { goal: 'unshadow', target: '{% $live_config %}' },
      Next: 'UpdateAtOnce',
    },
    CompareShadow: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Arguments: {
        FunctionName: functionArn,
        Payload: {
          run: '{% $run %}',
          endpoint_config: `{% '${name}-' & $run & '${CONFIG_ENDING.shadow}' %}`,
          since: '{% $shadow_since %}',
        },
      },
      Retry: RETRY_TRANSIENT,
      Assign: { shadow: '{% $states.result.Payload %}' },
      Catch: [
        {
          ErrorEquals: ['States.ALL'],
          Assign: {
            refusal:
              "{% 'The shadow could not be compared: ' & $states.errorOutput.Error & ', ' & $states.errorOutput.Cause %}",
          },
          Next: 'AfterFailing',
        },
      ],
      Next: 'ShadowVerdict',
    },
    ShadowVerdict: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $shadow.passed = true %}', Next: 'EndpointExists' }],
      Default: 'ShadowRefused',
    },
    ShadowRefused: {
      Type: 'Pass',
      Assign: { refusal: "{% 'As a shadow it did not do: ' & $join($shadow.reasons, '; ') %}" },
      Next: 'AfterFailing',
    },
  };
}
