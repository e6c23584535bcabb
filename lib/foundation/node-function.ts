import { Duration } from 'aws-cdk-lib';
import {
  type Effect,
  type IGrantable,
  type IPrincipal,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Service } from '../../names/metrics.ts';
import type { DataKey } from './data-key.ts';
import { deadLetterQueue } from './dead-letters.ts';
import type { Deployment } from './deployment.ts';
import { functionCode } from './function-code.ts';
import { removalPolicy } from './removal.ts';
import { acknowledge, explainWildcards } from './wildcards.ts';

/** Set by the wrapper for every function. */
type CommonVariables =
  | 'TIDEMARK_STAGE'
  | 'TIDEMARK_USE_CASE'
  | 'TIDEMARK_CLOCK'
  | 'POWERTOOLS_SERVICE_NAME'
  | 'POWERTOOLS_LOG_LEVEL';

/** What a construct passes for a function whose env.ts declares `E`: the same keys, as strings. */
export type Variables<E> = { readonly [K in keyof Omit<E, CommonVariables>]: string };

export interface NodeFunctionProps<E> {
  readonly deployment: Deployment;
  /** Value of the metric dimension `service` and of POWERTOOLS_SERVICE_NAME. */
  readonly service: Service;
  /** Entry file below `lambdas/`. */
  readonly entry: string;
  readonly description: string;
  readonly environment: Variables<E>;
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  /** Calls at once, at most, kept for it of the account's; 0: no limit of its own. @default 0 */
  readonly concurrency?: number;
  /** A module of the use case's folder that goes beside the bundle as `map.mjs`. @default - none */
  readonly mapModule?: string;
  /**
   * How it is called. Asynchronous invocations that fail to the end go to a dead-letter queue; stream batches go to the
   * failure destination of their event source; who calls synchronously gets the error.
   */
  readonly invocation:
    | { readonly kind: 'stream' | 'synchronous' }
    | { readonly kind: 'asynchronous'; readonly key: DataKey };
}

/**
 * A Node.js function with the defaults of this house: pinned runtime, ESM bundle with the SDK inside and `usecase.json`
 * beside it, source maps, JSON logs in a log group with retention, active tracing, a role that may do nothing but log.
 *
 * `E` is the type that the function's env.ts exports, so that a missing or misspelt variable does not compile.
 */
export class NodeFunction<E> extends Construct implements IGrantable {
  readonly function: LambdaFunction;
  readonly role: Role;
  readonly grantPrincipal: IPrincipal;
  /** Where asynchronous invocations end that failed to the end; only for those. */
  readonly deadLetters?: IQueue;

  constructor(scope: Construct, id: string, props: NodeFunctionProps<E>) {
    super(scope, id);
    const { stage, useCase } = props.deployment;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: stage.logRetentionDays,
      removalPolicy: removalPolicy(stage, true),
    });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `${props.description} (${props.service})`,
    });
    this.grantPrincipal = this.role;
    logGroup.grantWrite(this.role);

    if (props.invocation.kind === 'asynchronous') {
      this.deadLetters = deadLetterQueue(this, 'DeadLetters', props.invocation.key);
      props.invocation.key.grantUse(this.role);
    }
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      code: functionCode(props.entry, useCase, props.mapModule),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: stage.functions.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      memorySize: props.memoryMiB,
      timeout: Duration.seconds(props.timeoutSeconds),
      reservedConcurrentExecutions: props.concurrency || undefined,
      role: this.role,
      deadLetterQueue: this.deadLetters,
      tracing: Tracing.ACTIVE,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel[stage.functions.logLevel],
      systemLogLevelV2: SystemLogLevel.WARN,
      environment: {
        ...props.environment,
        TIDEMARK_STAGE: stage.stage,
        TIDEMARK_USE_CASE: useCase.ir.name,
        TIDEMARK_CLOCK: stage.clock,
        POWERTOOLS_SERVICE_NAME: props.service,
        POWERTOOLS_LOG_LEVEL: stage.functions.logLevel,
        NODE_OPTIONS: '--enable-source-maps',
      },
    });
    explainWildcards(this.role, {
      finding: /^Resource::\*$/,
      reason: 'xray:PutTraceSegments and xray:PutTelemetryRecords have no resource type: IAM takes only "*".',
    });
    if (this.deadLetters === undefined) {
      acknowledge(this.function, {
        id: 'Serverless-LambdaDLQ',
        reason:
          props.invocation.kind === 'stream'
            ? 'Called by an event source mapping, whose failed batches go to its on-failure destination; a dead-letter queue is for asynchronous calls.'
            : 'Called synchronously: the caller gets the error; a dead-letter queue is for asynchronous calls.',
      });
    }
  }

  /** Adds one statement for explicit actions and resources. */
  allow(actions: readonly string[], resources: readonly string[], effect?: Effect): void {
    this.role.addToPrincipalPolicy(new PolicyStatement({ effect, actions: [...actions], resources: [...resources] }));
  }
}
