import { RemovalPolicy } from 'aws-cdk-lib';
import type { StageConfig } from '../config/stage-config.ts';

/**
 * Two keys to delete data: the stage allows it and the resource asks for it. One alone retains.
 *
 * @param disposable the resource's own key: true when its content can be made again
 */
export function removalPolicy(stage: StageConfig, disposable: boolean): RemovalPolicy {
  return stage.protection.allowDestroy && disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
}
