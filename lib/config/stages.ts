import { existsSync, readFileSync } from 'node:fs';
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
 * @param context.mlflow value of `-c mlflow=`: `app` makes an MLflow App, an address is that of a server of your own
 * @param context.sources value of `-c sources=`: a JSON file of addresses of sources, which go before those of the stage's file: what a
 * provider or another stack made a moment ago
 * @throws ConfigError when there is no such stage or its file is wrong
 */
export function loadStage(
  name: unknown = 'prod',
  cloud: StageConfig['cloud'] = 'aws',
  { sources, mlflow }: { readonly sources?: unknown; readonly mlflow?: unknown } = {},
): StageConfig {
  const config = typeof name === 'string' && Object.hasOwn(STAGES, name) ? STAGES[name] : undefined;
  if (config === undefined) {
    throw new ConfigError('-c stage', [
      `stage: found ${typeFound(name)}, which names no stage; allowed: ${Object.keys(STAGES).join(', ')}`,
    ]);
  }
  const there = cloud === 'local' && config.cloud === 'aws' ? onLocalCloud(config) : config;
  const here = mlflow === undefined ? there : withMlflow(there, mlflow);
  const file = `lib/config/${name}.ts`;
  if (sources === undefined) return parseStageConfig(file, here);
  return parseStageConfig(`${file} and ${sources}`, { ...here, sources: { ...here.sources, ...readSources(sources) } });
}

function withMlflow(config: StageConfig, mlflow: unknown): StageConfig {
  const settings = mlflow === 'app' ? { app: true as const } : { trackingUri: String(mlflow) };
  return { ...config, training: { ...config.training, mlflow: settings } };
}

function readSources(file: unknown): object {
  const refuse = (found: string) =>
    new ConfigError('-c sources', [
      `sources: found ${found}; allowed: a JSON file such as {"billing": {"bus": {"eventSource": "aws.partner/…"}}}`,
    ]);
  if (typeof file !== 'string' || !existsSync(file))
    throw refuse(typeof file === 'string' ? 'no such file' : typeFound(file));
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch {
    // What is no JSON is refused below, with what is allowed.
  }
  throw refuse('a file that holds no JSON object');
}
