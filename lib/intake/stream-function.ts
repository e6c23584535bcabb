import type { Construct } from 'constructs';
import type { CarriageKind } from '../../core/ir/document.ts';
import type { Env } from '../../lambdas/intake-stream/env.ts';
import { SERVICE } from '../../names/metrics.ts';
import { NodeFunction } from '../foundation/node-function.ts';
import { grantIntake, intakeEnvironment, type SourceProps } from './intake-source.ts';

const TIMEOUT_SECONDS = 60;

/**
 * The function of one source and way, with no other source in it.
 * @param called by an event source mapping, or asynchronously, whose failures end in a dead-letter queue of its own
 */
export function streamFunction(
  scope: Construct,
  props: SourceProps,
  carriage: CarriageKind,
  called: 'stream' | 'asynchronous',
): NodeFunction<Env> {
  const { deployment, source, key } = props;
  const { intake } = deployment.stage;
  const fn = new NodeFunction<Env>(scope, 'Fn', {
    deployment,
    service: SERVICE.intakeStream,
    entry: 'intake-stream/handler.ts',
    description: `Takes the records of ${source.name} (${carriage})`,
    memoryMiB: intake.memoryMiB,
    timeoutSeconds: TIMEOUT_SECONDS,
    concurrency: intake.concurrency,
    mapModule: source.map_with,
    invocation: called === 'stream' ? { kind: 'stream' } : { kind: 'asynchronous', key },
    environment: intakeEnvironment(props, carriage),
  });
  grantIntake(fn, props);
  return fn;
}
