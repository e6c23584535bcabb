import type { TrainingDefinitionProps } from './definition-props.ts';

/** A state in the Amazon States Language. */
export type State = Record<string, unknown>;

/** Calls of the AWS SDK, for what has no optimised integration. */
export const SDK = 'arn:aws:states:::aws-sdk:sagemaker';

/**
 * SageMaker's throttling has no error name of its own in Step Functions, only its general exceptions; a wrong request is
 * then tried in vain for some seconds before it fails.
 */
export const RETRY_TRANSIENT = [
  {
    ErrorEquals: [
      'SageMaker.SageMakerException',
      'SageMaker.AmazonSageMakerException',
      'Lambda.TooManyRequestsException',
      'Lambda.ServiceException',
      'Lambda.SdkClientException',
    ],
    IntervalSeconds: 2,
    MaxAttempts: 3,
    BackoffRate: 2,
    JitterStrategy: 'FULL',
  },
];

/** How aws-sdk integrations name SageMaker's answer to a name that it does not know. */
export const MISSING = ['SageMaker.SageMakerException'];

export const RETRY_CLOUDWATCH = [
  { ErrorEquals: ['CloudWatch.CloudWatchException'], IntervalSeconds: 2, MaxAttempts: 3, BackoffRate: 2 },
];

/** An answer of S3 to a HEAD request has no body, so that any of them may have the general exception's name. */
export const RETRY_S3 = [
  { ErrorEquals: ['S3.S3Exception', 'S3.SdkClientException'], IntervalSeconds: 2, MaxAttempts: 3, BackoffRate: 2 },
];

/** Statuses in which SageMaker refuses every change of an endpoint. */
export const BUSY = "['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting']";

/** For both fleets' instances to start and to end, beside the waits that were asked for. */
export const STARTS_SECONDS = 3600;
/** What SageMaker ends itself after {@link STARTS_SECONDS} has so long (s) to go back. */
const BACK_SECONDS = 3600;

/** All that a change of the endpoint waits for on purpose (s). */
export function bakeSeconds({ endpoint }: Pick<TrainingDefinitionProps, 'endpoint'>): number {
  const { routing, canaryPercent, canaryWaitSeconds, terminationWaitSeconds } = endpoint;
  if (canaryPercent === 0) return 0;
  const steps = routing === 'rolling' ? Math.ceil(100 / canaryPercent) : 1;
  return steps * canaryWaitSeconds + (routing === 'rolling' ? 0 : terminationWaitSeconds);
}

/** After so many looks at an endpoint that changes, it is stuck. */
export function pollLimit(props: Pick<TrainingDefinitionProps, 'endpoint' | 'pollSeconds'>): number {
  return Math.ceil((bakeSeconds(props) + STARTS_SECONDS + BACK_SECONDS) / props.pollSeconds);
}
