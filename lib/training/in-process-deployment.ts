import { Construct } from 'constructs';
import type { Framework } from '../../core/ir/document.ts';
import type { Env } from '../../lambdas/in-process/env.ts';
import { PREFIX } from '../../names/lake.ts';
import { SERVICE } from '../../names/metrics.ts';
import { ConfigError } from '../config/config-error.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import type { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import { addErrorAlarm } from '../monitoring/function-alarms.ts';

export interface InProcessDeploymentProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly lake: Lake;
  readonly framework: Framework;
}

/** @throws ConfigError for a model that is served as ONNX */
function requireTrees(framework: Framework): void {
  if (framework === 'xgboost') return;
  throw new ConfigError('endpoint.mode', [
    `endpoint.mode: found in-process with a model of ${framework}, which is served as ONNX; allowed: instances or serverless, or a model of xgboost`,
  ]);
}

/** Loads an approved model as the functions will that ask it, and writes down that it serves. */
export class InProcessDeployment extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, { deployment, alarms, lake, framework }: InProcessDeploymentProps) {
    super(scope, id);
    requireTrees(framework);
    this.fn = new NodeFunction<Env>(this, 'Fn', {
      deployment,
      service: SERVICE.inProcess,
      entry: 'in-process/handler.ts',
      description: 'Tries an approved model and writes down that it serves',
      memoryMiB: 512,
      timeoutSeconds: 60,
      invocation: { kind: 'synchronous' },
      environment: { LAKE_BUCKET: lake.bucket.bucketName },
    });
    lake.grantRead(this.fn, PREFIX.models, PREFIX.serving);
    lake.grantPut(this.fn, PREFIX.serving);
    addErrorAlarm(alarms, 'InProcessDeployment', this.fn.function, 'The approved model does not serve.');
  }
}
