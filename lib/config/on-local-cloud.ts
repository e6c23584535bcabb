import type { StageConfig } from './stage-config.ts';

/** A part of a stage's configuration, at any depth. */
type Part<T> = {
  readonly [K in keyof T]?: T[K] extends readonly unknown[] ? T[K] : T[K] extends object ? Part<T[K]> : T[K];
};

/**
 * All in which a stage that runs on the local cloud differs from the same stage in an account: the account, the size of
 * instances that are processes of one machine here, and waits that a person would otherwise sit through. What decides
 * whether the app is right stays as it is configured: approval, canary, keys, protection, schedules, retries, alarms.
 */
export const LOCAL_CLOUD_DIFFERENCES = {
  cloud: 'local',
  environment: { account: '000000000000', region: 'us-east-1' },
  // A new view version may cut over as soon as functions of former code have ended.
  processor: { timeoutSeconds: 10, cutoverAfterSeconds: 11 },
  archiver: { batchingWindowSeconds: 2 },
  batch: { workers: 2 },
} as const satisfies Part<StageConfig>;

/** A stage as it is configured, but for {@link LOCAL_CLOUD_DIFFERENCES}. */
export function onLocalCloud(stage: StageConfig): StageConfig {
  return merge(stage, LOCAL_CLOUD_DIFFERENCES) as StageConfig;
}

function merge(whole: object, part: object): object {
  const merged: Record<string, unknown> = { ...whole };
  for (const [key, value] of Object.entries(part)) {
    const before = merged[key];
    merged[key] = isPlain(value) && isPlain(before) ? merge(before, value) : value;
  }
  return merged;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
