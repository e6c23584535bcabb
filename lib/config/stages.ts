import { typeFound } from '../../core/ir/issues.ts';
import { ConfigError } from './config-error.ts';
import { dev } from './dev.ts';
import { local } from './local.ts';
import { onLocalCloud } from './on-local-cloud.ts';
import { prod } from './prod.ts';
import { parseStageConfig, type StageConfig } from './stage-config.ts';

const STAGES: Readonly<Record<string, StageConfig>> = { local, dev, prod };

/**
 * @param name value of `-c stage=`; nothing: prod
 * @param cloud where it is deployed to
 * @throws ConfigError when there is no such stage or its file is wrong
 */
export function loadStage(name: unknown = 'prod', cloud: StageConfig['cloud'] = 'aws'): StageConfig {
  const config = typeof name === 'string' && Object.hasOwn(STAGES, name) ? STAGES[name] : undefined;
  if (config === undefined) {
    throw new ConfigError('-c stage', [
      `stage: found ${typeFound(name)}, which names no stage; allowed: ${Object.keys(STAGES).join(', ')}`,
    ]);
  }
  return parseStageConfig(
    `lib/config/${name}.ts`,
    cloud === 'local' && config.cloud === 'aws' ? onLocalCloud(config) : config,
  );
}
