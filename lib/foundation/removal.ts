import { RemovalPolicy } from 'aws-cdk-lib';
import type { StageConfig } from '../config/stage-config.ts';

/**
 * Two keys to delete data: the stage allows it and the resource asks for it. One alone retains, but not what a failed
 * creation leaves: it is empty, and where its name is fixed the next try would find it in its way.
 *
 * @param disposable the resource's own key: true when its content can be made again
 */
export function removalPolicy(stage: StageConfig, disposable: boolean): RemovalPolicy {
  return stage.protection.allowDestroy && disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
}
