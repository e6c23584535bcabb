import { Aws } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';

/** Services whose guide has `aws:SourceAccount` in a trust policy. Of Lambda and Glue nothing says that they send it. */
const SAYS_ACCOUNT = {
  /** https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html */
  sagemaker: 'sagemaker.amazonaws.com',
  /** https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html */
  scheduler: 'scheduler.amazonaws.com',
  /** https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html#prevent-cross-service-confused-deputy */
  states: 'states.amazonaws.com',
} as const;

/** A service that may assume a role on behalf of this account only: nobody else's job or schedule can borrow it. */
export function forOwnAccount(service: keyof typeof SAYS_ACCOUNT): ServicePrincipal {
  return new ServicePrincipal(SAYS_ACCOUNT[service], {
    conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
  });
}
