import { longestWait, type StageConfig } from './stage-config.ts';

const RETENTION_HOURS = 168;
/**
 * After an outage, whatever it was and however long, everything goes on by itself as long as the stream keeps its records.
 * No single record uses this up: what breaks its contract is quarantined, and is no error.
 */
const PATIENT = { retryAttempts: 10_000, maxRecordAgeSeconds: longestWait(RETENTION_HOURS) } as const;

/** Production: data outlives the stack, a person approves each model, one KMS key of ours. */
export const prod: StageConfig = {
  stage: 'prod',
  cloud: 'aws',
  environment: {},
  clock: 'wall',
  tags: { service: 'tidemark', stage: 'prod', 'cost-centre': 'ml-platform', owner: 'ml-platform' },
  protection: { allowDestroy: false, terminationProtection: true, deletionProtection: true },
  encryption: 'customer',
  logRetentionDays: 90,
  // Churn has features over a lifetime: its events stay.
  retention: {
    quarantineDays: 90,
    predictionsDays: 400,
    scoresDays: 400,
    trainingSetsDays: 731,
    reportsDays: 400,
  },
  functions: { architecture: 'arm64', logLevel: 'INFO' },
  stream: { mode: 'on-demand', retentionHours: RETENTION_HOURS },
  processor: {
    batchSize: 500,
    batchingWindowSeconds: 1,
    parallelizationFactor: 4,
    ...PATIENT,
    memoryMiB: 1024,
    timeoutSeconds: 60,
    cutoverAfterSeconds: 120,
  },
  // The archive is read once an hour: bigger batches make fewer, larger objects.
  archiver: {
    batchSize: 5000,
    batchingWindowSeconds: 60,
    parallelizationFactor: 1,
    ...PATIENT,
    memoryMiB: 512,
    timeoutSeconds: 60,
  },
  // A model that is out of order for up to an hour is waited for; what its age ends, the sweep scores within a day.
  scorer: {
    batchSize: 100,
    batchingWindowSeconds: 1,
    parallelizationFactor: 4,
    retryAttempts: 100,
    maxRecordAgeSeconds: 3600,
    memoryMiB: 512,
    timeoutSeconds: 60,
  },
  publisher: {
    batchSize: 10,
    batchingWindowSeconds: 0,
    parallelizationFactor: 1,
    retryAttempts: 100,
    maxRecordAgeSeconds: 21_600,
    memoryMiB: 256,
    timeoutSeconds: 30,
  },
  sweep: { scheduled: true, everyMinutes: 60, segments: 8, memoryMiB: 1024, timeoutSeconds: 900 },
  api: { rateLimit: 200, burstLimit: 400, memoryMiB: 512 },
  intake: { memoryMiB: 512, concurrency: 20, rateLimit: 200, burstLimit: 400, silenceHours: 24 },
  sources: {},
  notifier: { memoryMiB: 256, timeoutSeconds: 30 },
  dispatcher: { scheduled: true, everyMinutes: 15, memoryMiB: 512, timeoutSeconds: 300 },
  // A cold start has to fit into Slack's three seconds.
  outcomes: { rateLimit: 20, burstLimit: 40, memoryMiB: 1024 },
  batch: { workerType: 'G.1X', workers: 4, timeoutMinutes: 240, entityBuckets: 16, healingNights: 7 },
  training: {
    images: {
      xgboost: '3.2-0',
      pytorch: '2.13-cpu-amzn2023-sagemaker',
      tensorflow: '2.21-cpu-py312-sagemaker',
      sklearn: '1.9-0',
    },
    instanceType: 'ml.m5.xlarge',
    volumeGiB: 30,
    maxRuntimeSeconds: 7200,
    approval: 'manual',
    pollSeconds: 30,
    // Churn learns between fixed instants: a schedule would train the same model again.
    retrain: { onDrift: true, cooldownHours: 20, minLabels: 50 },
  },
  // Two instances: one zone may fail.
  endpoint: {
    mode: 'instances',
    instanceType: 'ml.m5.large',
    instances: 2,
    experiments: true,
    routing: 'canary',
    canaryPercent: 10,
    canaryWaitSeconds: 600,
    terminationWaitSeconds: 300,
    maxScoreShift: 0.1,
  },
  alarms: {
    lagWarningSeconds: 60,
    lagCriticalSeconds: 900,
    freshnessSeconds: 30,
    quarantinedRecords: 10,
    driftFields: 1,
    writeConflicts: 500,
    emails: [],
  },
};
