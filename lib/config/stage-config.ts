import { z } from 'zod';
import { STAGES } from '../../names/deployments.ts';
import { ConfigError, describeIssues } from './config-error.ts';
import { endpointConfig } from './endpoint-config.ts';
import { retention } from './retention.ts';
import { isPlain, mlflow, retrain } from './training-settings.ts';

/** CloudWatch Logs takes only these numbers of days. */
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 3653] as const;

const int = (min: number, max: number) => z.int().min(min).max(max);

/**
 * How Lambda reads a stream. Retries and age are finite on purpose: what is given up must end at the failure destination.
 * 10,000 tries and 604,800 s are Lambda's maxima (https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html).
 */
const streamConsumer = z.strictObject({
  /** Records per batch, at most. */
  batchSize: int(1, 10_000),
  /** How long to wait for a full batch (s). */
  batchingWindowSeconds: int(0, 300),
  /** Concurrent batches per shard; the order within a partition key holds. */
  parallelizationFactor: int(1, 10),
  /** How often a batch that failed is tried again before it is given up. */
  retryAttempts: int(0, 10_000),
  /** Age at which a batch that fails is given up (s); processor and archiver: at most an hour less than the stream's retention. */
  maxRecordAgeSeconds: int(60, 604_800),
  /** Memory of the function (MiB); its share of a processor grows with it. */
  memoryMiB: int(128, 10_240),
  /** How long one call of the function may take (s). */
  timeoutSeconds: int(1, 900),
});

/** What is left of the retention (s) when a reader gives a record up, so that it reaches the failure destination. */
const LAST_CHANCE_SECONDS = 3600;

/**
 * How long a reader of the event stream waits at most (s): to an hour before the stream forgets. What grows older there is
 * gone, and no failure destination gets it.
 */
export function longestWait(retentionHours: number): number {
  return Math.min(604_800, retentionHours * 3600 - LAST_CHANCE_SECONDS);
}

/** All settings of a stage. docs/reference/settings.md is made of it and of the words beside its fields. */
export const stageConfig = z
  .strictObject({
    /** Its name, in front of the name of each stack, metric and alarm. */
    stage: z.enum(STAGES),
    /** `local`: deployed with the caller's own keys to this machine, where plain HTTP on loopback may stand for Slack. */
    cloud: z.enum(['aws', 'local']),
    environment: z.strictObject({
      /** Absent: the account of the credentials that deploy. */
      account: z
        .string()
        .regex(/^\d{12}$/, '12 digits')
        .optional(),
      /** Absent: the region of the credentials that deploy, else us-east-1. */
      region: z
        .string()
        .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as eu-west-1')
        .optional(),
    }),
    /** `replay` takes time from the events (available_at is honoured), `wall` from the clock. */
    clock: z.enum(['wall', 'replay']),
    /** Tags of every resource, by which costs are told apart. */
    tags: z.record(z.string(), z.string()),
    protection: z.strictObject({
      /** First of two keys to delete data with the stack; the second is the resource's own (see removal.ts). */
      allowDestroy: z.boolean(),
      /** CloudFormation refuses to delete the stateful stack. */
      terminationProtection: z.boolean(),
      /** DynamoDB refuses to delete the tables. */
      deletionProtection: z.boolean(),
    }),
    /** `customer`: one KMS key of ours for tables, lake, stream, topics and secret. `aws`: the services' own keys. */
    encryption: z.enum(['customer', 'aws']),
    /** How long CloudWatch keeps the logs of functions and state machines (days). */
    logRetentionDays: z.literal(RETENTION_DAYS),
    retention,
    functions: z.strictObject({
      /** Processor of all functions. */
      architecture: z.enum(['arm64', 'x86_64']),
      /**
       * Metrics are lines of the log, without a level: "If the level value field is invalid or missing, Lambda will assign the
       * log output the level INFO" (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html), so
       * with WARN or ERROR it would drop them, and the alarms would look at nothing.
       */
      logLevel: z
        .enum(['DEBUG', 'INFO', 'WARN', 'ERROR'])
        .refine((level) => level === 'DEBUG' || level === 'INFO', 'DEBUG or INFO; above them Lambda drops the metrics'),
    }),
    stream: z.discriminatedUnion('mode', [
      z.strictObject({
        /** `on-demand`: Kinesis adds shards as the traffic grows. `provisioned`: as many as are set. */
        mode: z.literal('on-demand'),
        /** How long the stream keeps its records (h), which is how long an outage may last with nothing lost. */
        retentionHours: int(24, 8760),
      }),
      z.strictObject({
        mode: z.literal('provisioned'),
        /** With `provisioned` only. */
        shards: int(1, 500),
        retentionHours: int(24, 8760),
      }),
    ]),
    processor: streamConsumer
      .extend({
        /**
         * How long after its first batch a new view version cuts over (s): longer than functions of former code live
         * on, and than clocks are apart. With one lane they end before the next batch of their shard, so it may be 0.
         */
        cutoverAfterSeconds: int(0, 900),
      })
      .refine((of) => of.parallelizationFactor === 1 || of.cutoverAfterSeconds > of.timeoutSeconds, {
        path: ['cutoverAfterSeconds'],
        message: 'more than timeoutSeconds, unless parallelizationFactor is 1',
      }),
    // One lane: the backfill takes the last object of a shard for the end of all that is archived of it.
    archiver: streamConsumer.extend({ parallelizationFactor: z.literal(1) }),
    scorer: streamConsumer,
    publisher: streamConsumer,
    sweep: z.strictObject({
      /** false: only invoked by hand, as a replay does whose days pass in seconds. */
      scheduled: z.boolean(),
      /** How often a slice of the entities is looked at (min). */
      everyMinutes: int(5, 1440),
      /** Parallel scan segments. */
      segments: int(1, 64),
      /** Memory of the function (MiB). */
      memoryMiB: int(128, 10_240),
      /** How long one call may take (s); what is left then is looked at first by the next run. */
      timeoutSeconds: int(1, 900),
    }),
    api: z.strictObject({
      /** Requests per second. */
      rateLimit: int(1, 10_000),
      /** Requests at once, above the rate. */
      burstLimit: int(1, 10_000),
      /** Memory of the function (MiB). */
      memoryMiB: int(128, 10_240),
    }),
    /** The functions of sources; each has one of its own. */
    intake: z.strictObject({
      /** Memory of each function (MiB). */
      memoryMiB: int(128, 10_240),
      /** How many calls of a source's function run at once, at most, so that none takes the account's from the others; 0: no limit of its own. */
      concurrency: int(0, 1000),
      /** Requests per second of each HTTP source. */
      rateLimit: int(1, 10_000),
      /** Requests at once, above the rate. */
      burstLimit: int(1, 10_000),
      /** After so many hours without a request of an HTTP source, it warns; 0: never. */
      silenceHours: int(0, 24),
    }),
    /** What of a source differs by stage, by its name: addresses of what it reads. A way without its address is not deployed. */
    sources: z.record(z.string(), z.record(z.string(), z.json())),
    /** A call ends before the lease of its alert does (LEASE_MS in lambdas/notifier/outbox.ts), so that no two send it. */
    notifier: z.strictObject({
      /** Memory of the function (MiB). */
      memoryMiB: int(128, 10_240),
      /** How long one call may take (s). */
      timeoutSeconds: int(1, 50),
    }),
    /** Only where alerts wait for their turn: use cases with a capacity or quiet hours. */
    dispatcher: z.strictObject({
      /** false: only invoked by hand, as a replay does whose days pass in seconds. */
      scheduled: z.boolean(),
      /** How often those that wait are looked at (min). */
      everyMinutes: int(1, 240),
      /** Memory of the function (MiB). */
      memoryMiB: int(128, 10_240),
      /** How long one call may take (s); what is left then has its turn in the next run. */
      timeoutSeconds: int(1, 900),
    }),
    /** The function that takes the presses of buttons under alerts; Slack waits three seconds for it. */
    outcomes: z.strictObject({
      /** Requests per second. */
      rateLimit: int(1, 10_000),
      /** Requests at once, above the rate. */
      burstLimit: int(1, 10_000),
      /** Memory of the function (MiB). */
      memoryMiB: int(128, 10_240),
    }),
    batch: z.strictObject({
      /** Size of a worker of Glue. */
      workerType: z.enum(['G.1X', 'G.2X', 'G.4X', 'G.8X']),
      /** Workers per job, the driver included. */
      workers: int(2, 299),
      /** A job that takes longer is stopped, and its failure is told (min). */
      timeoutMinutes: int(1, 2880),
      /** Buckets of the entity id in the partitioning of `events`. */
      entityBuckets: int(1, 1024),
      /** Within so many nights the healing compares every state; those that are flagged, every night. */
      healingNights: int(1, 30),
    }),
    training: z.strictObject({
      /** Tags of AWS's containers. A model is trained in the one of its framework; that of XGBoost serves all models. */
      images: z.strictObject({
        /** Of `sagemaker-xgboost`. */
        xgboost: z.string().regex(/^\d+\.\d+-\d+$/, 'a tag such as 3.2-0'),
        /** Of `pytorch`. */
        pytorch: z.string().regex(/^\d+\.\d+(\.\d+)?-cpu-\w+-sagemaker$/, 'a tag such as 2.13-cpu-amzn2023-sagemaker'),
        /** Of `tensorflow-training`. */
        tensorflow: z
          .string()
          .regex(/^\d+\.\d+(\.\d+)?-cpu-py\d+(-\w+)?-sagemaker$/, 'a tag such as 2.21-cpu-py312-sagemaker'),
        /** Of `sagemaker-scikit-learn`. */
        sklearn: z.string().regex(/^\d+\.\d+-\d+$/, 'a tag such as 1.9-0'),
      }),
      /** The machine that trains. */
      instanceType: z.string().startsWith('ml.', 'an instance type that starts with ml.'),
      /** Its disk (GiB). */
      volumeGiB: int(1, 1024),
      /** A training that takes longer is stopped (s). */
      maxRuntimeSeconds: int(60, 432_000),
      /** `automatic`: a model that passes the gate is approved and deployed. `manual`: a person approves it first. */
      approval: z.enum(['automatic', 'manual']),
      /** How often the state machine looks whether the endpoint is in service (s). */
      pollSeconds: int(1, 300),
      /** When a model is trained again, and when not. */
      retrain,
      /** Where each training is a run; absent: nowhere. The registry stays SageMaker's. */
      mlflow: mlflow.optional(),
    }),
    endpoint: endpointConfig,
    alarms: z.strictObject({
      /** Age of the record that a reader of a stream is at, which warns (s). */
      lagWarningSeconds: int(1, 86_400),
      /** The same, which is critical (s). */
      lagCriticalSeconds: int(1, 604_800),
      /** From arrival to score, 99th percentile (s). */
      freshnessSeconds: int(1, 86_400),
      /** Refused records of one reason that warn, in a quarter of an hour. */
      quarantinedRecords: int(1, 1_000_000),
      /** Fields of records that differ from their contracts that warn, in a quarter of an hour. */
      driftFields: int(1, 1_000_000),
      /** Lost conditional writes that warn, in a quarter of an hour. */
      writeConflicts: int(1, 1_000_000),
      /** Addresses that get the operational alarms and the alerts; each must confirm once. */
      emails: z.array(z.email()),
      /** Amazon Q Developer in chat applications; the workspace is authorised once in the console. */
      slackChannel: z
        .strictObject({
          workspaceId: z.string().regex(/^T[A-Z0-9]+$/, 'T…'),
          channelId: z.string().regex(/^[CG][A-Z0-9]+$/, 'C… or G…'),
        })
        .optional(),
    }),
  })
  .superRefine(({ stream, cloud, training, ...consumers }, context) => {
    if (cloud === 'aws' && isPlain(training.mlflow))
      context.addIssue({
        code: 'custom',
        path: ['training', 'mlflow', 'trackingUri'],
        message: 'an https address; plain HTTP only to this machine, and on the local cloud',
      });
    for (const name of ['processor', 'archiver'] as const) {
      const longest = longestWait(stream.retentionHours);
      if (consumers[name].maxRecordAgeSeconds > longest)
        context.addIssue({
          code: 'custom',
          path: [name, 'maxRecordAgeSeconds'],
          message: `at most ${longest}: an hour before the stream forgets, so that what is given up can still be kept`,
        });
    }
  });

/** What differs between stages; everything else is code. */
export type StageConfig = Readonly<z.infer<typeof stageConfig>>;
export type StreamConsumerConfig = Readonly<z.infer<typeof streamConsumer>>;

/**
 * @param source file that holds the configuration, for the message
 * @throws ConfigError with every wrong field, the type found and what is allowed
 */
export function parseStageConfig(source: string, value: unknown): StageConfig {
  const parsed = stageConfig.safeParse(value);
  if (!parsed.success) throw new ConfigError(source, describeIssues(parsed.error, value));
  return parsed.data;
}
