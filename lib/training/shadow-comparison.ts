import { Construct } from 'constructs';
import type { Env } from '../../lambdas/shadow-comparison/env.ts';
import { PREFIX } from '../../names/lake.ts';
import { SERVICE } from '../../names/metrics.ts';
import type { EndpointConfig } from '../config/endpoint-config.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { explainWildcards } from '../foundation/wildcards.ts';
import type { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import { addErrorAlarm } from '../monitoring/function-alarms.ts';
import type { ScoringEndpoint } from '../serving/scoring-endpoint.ts';

export interface ShadowComparisonProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly lake: Lake;
  readonly endpoint: ScoringEndpoint;
  readonly bounds: NonNullable<EndpointConfig['shadow']>;
}

/** Says whether a model that only listened may serve. */
export class ShadowComparison extends Construct {
  readonly fn: NodeFunction<Env>;
  /** What the state machine is told of it. */
  readonly place: { readonly functionArn: string; readonly captureUri: string };

  constructor(scope: Construct, id: string, props: ShadowComparisonProps) {
    super(scope, id);
    const { deployment, alarms, lake, endpoint, bounds } = props;
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.shadowComparison,
      entry: 'shadow-comparison/handler.ts',
      description: 'Compares a model that listened with the one that served',
      // Scores by the hash of their inputs, and one file at a time.
      memoryMiB: 1024,
      timeoutSeconds: 900,
      invocation: { kind: 'synchronous' },
      environment: {
        LAKE_BUCKET: lake.bucket.bucketName,
        ENDPOINT_NAME: endpoint.endpointName,
        SHADOW_BOUNDS: JSON.stringify(bounds),
      },
    });
    this.place = { functionArn: this.fn.function.functionArn, captureUri: lake.uri(PREFIX.captured) };
    lake.grantRead(this.fn, PREFIX.captured, PREFIX.predictions);
    lake.grantPut(this.fn, PREFIX.shadowReports);
    this.fn.allow(['cloudwatch:GetMetricData'], ['*']);
    explainWildcards(this.fn.role, {
      finding: /^Resource::\*$/,
      reason: 'cloudwatch:GetMetricData has no resource type: IAM takes only "*".',
    });
    addErrorAlarm(alarms, 'ShadowComparison', this.fn.function, 'The new model is not deployed.');
  }
}
