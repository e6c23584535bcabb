/** The wheel of onnxruntime that a model brings along: the container that serves has none, and no network to get one. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { ConfigError } from '../config/config-error.ts';
import type { Deployment } from '../foundation/deployment.ts';
import { SERVES } from './framework-images.ts';

/** Where the container runs: sagemaker-xgboost 3.2-0. */
const PLATFORM = ['--python-version', '3.12', '--implementation', 'cp', '--abi', 'cp312'];
const SYSTEM = ['--platform', 'manylinux_2_28_x86_64'];

export interface ServingRuntime {
  /** model/serving/runtime.txt: name, version and sha256, as pip reads them. */
  readonly pin: string;
  /** Folder that keeps the wheel. */
  readonly cache: string;
  /** With pip. */
  readonly python: string;
}

/** In the local cloud what serves is Python's of the repository, which has onnxruntime. */
export function bringsRuntime({ stage, useCase }: Deployment): boolean {
  return stage.cloud === 'aws' && (useCase.ir.model?.framework ?? SERVES) !== SERVES;
}

/** @param model folder of the sources */
export function runtimeOf(model: string): ServingRuntime {
  const root = path.dirname(model);
  return {
    pin: path.join(model, 'serving', 'runtime.txt'),
    cache: path.join(root, '.cache', 'serving-runtime'),
    python: path.join(root, '.venv', 'bin', 'python'),
  };
}

/**
 * The wheel of the pin, out of the cache, else fetched by pip, which compares its sha256.
 *
 * @returns its path
 * @throws ConfigError when it can't be had, with pip's last words
 */
export async function servingRuntime({ pin, cache, python }: ServingRuntime): Promise<string> {
  const [, sha256 = ''] = /--hash=sha256:([0-9a-f]{64})\b/.exec(readFileSync(pin, 'utf8')) ?? [];
  const kept = () =>
    (existsSync(cache) ? readdirSync(cache) : [])
      .filter((name) => name.endsWith('.whl'))
      .map((name) => path.join(cache, name))
      .find((file) => createHash('sha256').update(readFileSync(file)).digest('hex') === sha256);
  const found = kept();
  if (found !== undefined) return found;
  mkdirSync(cache, { recursive: true });
  console.error('Fetching onnxruntime for the container that serves (28 MB, once) …');
  const download = ['-m', 'pip', 'download', '--require-hashes', '--no-deps', '--progress-bar', 'off', '-r', pin];
  const { failed, all } = await execa(python, [...download, ...PLATFORM, ...SYSTEM, '-d', cache], {
    reject: false,
    all: true,
  });
  const fetched = failed ? undefined : kept();
  if (fetched === undefined)
    throw new ConfigError('model.framework', [
      `${path.basename(pin)}: found no wheel of it that could be fetched (${all?.trim().split('\n').at(-1) ?? 'no answer'}); run npm run setup where a package index can be reached`,
    ]);
  return fetched;
}
