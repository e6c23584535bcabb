import { prod } from './prod.ts';
import { longestWait, type StageConfig } from './stage-config.ts';

const RETENTION_HOURS = 24;
const maxRecordAgeSeconds = longestWait(RETENTION_HOURS);

/** A stack to try things in: as production, but small, disposable, and models deploy themselves. */
export const dev: StageConfig = {
  ...prod,
  stage: 'dev',
  tags: { ...prod.tags, stage: 'dev' },
  protection: { allowDestroy: true, terminationProtection: false, deletionProtection: false },
  encryption: 'aws',
  logRetentionDays: 7,
  functions: { ...prod.functions, logLevel: 'DEBUG' },
  stream: { mode: 'provisioned', shards: 1, retentionHours: RETENTION_HOURS },
  processor: { ...prod.processor, parallelizationFactor: 1, maxRecordAgeSeconds },
  archiver: { ...prod.archiver, maxRecordAgeSeconds },
  scorer: { ...prod.scorer, parallelizationFactor: 1 },
  sweep: { ...prod.sweep, segments: 2 },
  api: { ...prod.api, rateLimit: 20, burstLimit: 40 },
  intake: { ...prod.intake, concurrency: 5, rateLimit: 20, burstLimit: 40, silenceHours: 0 },
  batch: { ...prod.batch, workers: 2, timeoutMinutes: 60, entityBuckets: 4, healingNights: 1 },
  training: {
    ...prod.training,
    approval: 'automatic',
    retrain: { ...prod.training.retrain, cooldownHours: 0, minLabels: 1 },
  },
  // Nothing runs while nobody asks, and up to some million events a month it is the cheapest (docs/explanation/what-scoring-costs.md).
  endpoint: { ...prod.endpoint, mode: 'in-process', instances: 1, canaryPercent: 0 },
};
