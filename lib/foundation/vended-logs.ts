import { Aws, Fn, Stack } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config/stage-config.ts';
import { removalPolicy } from './removal.ts';

export interface VendedLogsProps {
  readonly stage: StageConfig;
  /** Who delivers, as AWS's own names have it. */
  readonly service: 'apigateway' | 'states';
  /** Tells it from another one of the same service in its stack. @default - it is the only one */
  readonly part?: string;
}

/**
 * A log group that an AWS service delivers to. Each is written into a resource policy of the account, of 5,120 characters;
 * those below `/aws/vendedlogs/` are let in together when it is nearly full
 * (https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html).
 *
 * That prefix wants a name of our own. A part of the stack's id makes it new with each creation of the stack, so that what a
 * deleted stack left is in nobody's way.
 */
export class VendedLogs extends LogGroup {
  constructor(scope: Construct, id: string, { stage, service, part }: VendedLogsProps) {
    // arn:aws:cloudformation:<region>:<account>:stack/<name>/<uuid>
    const uuid = Fn.select(2, Fn.split('/', Aws.STACK_ID));
    const creation = Fn.select(0, Fn.split('-', uuid));
    super(scope, id, {
      logGroupName: `/aws/vendedlogs/${service}/${Stack.of(scope).stackName}${part ? `-${part}` : ''}-${creation}`,
      retention: stage.logRetentionDays,
      removalPolicy: removalPolicy(stage, true),
    });
  }
}
