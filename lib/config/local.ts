import { prod } from './prod.ts';
import type { StageConfig } from './stage-config.ts';

/** The local cloud: the same application on a laptop, replaying history at the speed of the machine. */
export const local: StageConfig = {
  ...prod,
  stage: 'local',
  cloud: 'local',
  environment: { account: '000000000000', region: 'us-east-1' },
  clock: 'replay',
  tags: { ...prod.tags, stage: 'local' },
  protection: { allowDestroy: true, terminationProtection: false, deletionProtection: false },
  logRetentionDays: 1,
  stream: { mode: 'provisioned', shards: 2, retentionHours: 24 },
  processor: {
    ...prod.processor,
    parallelizationFactor: 1,
    retryAttempts: 5,
    maxRecordAgeSeconds: 600,
    cutoverAfterSeconds: 0,
  },
  archiver: { ...prod.archiver, batchSize: 2000, batchingWindowSeconds: 2, retryAttempts: 5, maxRecordAgeSeconds: 600 },
  scorer: { ...prod.scorer, parallelizationFactor: 1, retryAttempts: 5, maxRecordAgeSeconds: 600 },
  publisher: { ...prod.publisher, retryAttempts: 5, maxRecordAgeSeconds: 600 },
  intake: { ...prod.intake, concurrency: 0, silenceHours: 0 },
  sweep: { ...prod.sweep, scheduled: false, segments: 2, timeoutSeconds: 60 },
  dispatcher: { ...prod.dispatcher, scheduled: false },
  batch: { ...prod.batch, workers: 2, timeoutMinutes: 30, entityBuckets: 1, healingNights: 1 },
  training: {
    ...prod.training,
    approval: 'automatic',
    pollSeconds: 1,
    retrain: { ...prod.training.retrain, cooldownHours: 0, minLabels: 1 },
  },
  endpoint: { ...prod.endpoint, instances: 1, canaryPercent: 0 },
};
