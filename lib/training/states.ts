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
