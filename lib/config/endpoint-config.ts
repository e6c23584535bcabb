import { z } from 'zod';
import { SHORTEST_BAKE_SECONDS } from '../training/rollback-alarms.ts';

const int = (min: number, max: number) => z.int().min(min).max(max);
const share = z.number().min(0).max(1);

/** What a new model is compared by with the one that serves, while it only listens. */
const shadow = z.strictObject({
  /** How long the new model answers copies of all requests before it is compared (s). */
  seconds: int(60, 43_200),
  /** How many predictions must have been answered by both; fewer prove nothing, and stop the deployment. */
  minimumPairs: int(1, 1_000_000),
  /** The largest share of predictions that fall on the other side of the alerts' threshold. */
  maxDecisionShare: share,
  /** The largest mean distance of both scores of a prediction. */
  maxScoreDistance: share,
  /** The largest share of requests that the new model fails or refuses. */
  maxErrorShare: share,
  /** The longest answer of the new model, 99th percentile (ms). */
  maxLatencyMs: int(1, 60_000),
});

const autoscaling = z.strictObject({
  /** Fewest instances of a variant. */
  minInstances: int(1, 100),
  /** Most instances of a variant. */
  maxInstances: int(1, 100),
  /** Requests a minute that one instance is to take; above it instances are added. */
  invocationsPerInstance: int(1, 1_000_000),
  /** Shortest time between two steps down (s). */
  scaleInCooldownSeconds: int(0, 3600),
  /** Shortest time between two steps up (s). */
  scaleOutCooldownSeconds: int(0, 3600),
});

const fields = z.strictObject({
  /**
   * `instances`: machines that always run. `serverless`: started as asked, paid by the request, all at once. `in-process`: no
   * endpoint, each function that scores loads the model itself; of XGBoost alone, and the settings of machines say nothing.
   */
  mode: z.enum(['instances', 'serverless', 'in-process']),
  /** The machines that score. */
  instanceType: z.string().startsWith('ml.', 'an instance type that starts with ml.'),
  /** How many of them. */
  instances: int(1, 100),
  /** Of mode `serverless` only. */
  serverless: z
    .strictObject({
      /** Memory of an environment (MiB). */
      memoryMiB: z.literal([1024, 2048, 3072, 4096, 5120, 6144]),
      /** Requests that are answered at once, at most. */
      maxConcurrency: int(1, 200),
    })
    .optional(),
  /** Whether a second model may serve beside the first (an A/B experiment). */
  experiments: z.boolean(),
  /** A new model first listens beside the one that serves, and is compared with it. Absent: it does not. */
  shadow: shadow.optional(),
  /** How traffic moves: `canary` in two steps between two fleets, `rolling` batch by batch within the room of one and a half. */
  routing: z.enum(['canary', 'rolling']),
  /** Percent of capacity that takes traffic first, or that a batch of a rolling update has. 0: all at once, without roll-back alarms. */
  canaryPercent: int(0, 50),
  /** How long the canary alone takes new traffic, or each batch is watched (s). */
  canaryWaitSeconds: int(0, 3600),
  /** How long the old fleet waits after a canary to take the traffic back (s). */
  terminationWaitSeconds: int(0, 3600),
  /** How far the mean score, and the share above the alerts' threshold, of a canary may be from the old fleet's (0 to 1). */
  maxScoreShift: share,
  /** Instances by load, each variant by its own. Absent: as many as are set. */
  autoscaling: autoscaling.optional(),
});

type Fields = z.infer<typeof fields>;
type Rule = readonly [path: string, broken: (of: Fields) => boolean, message: string];

/** MaximumExecutionTimeoutInSeconds is 28,800 at most, and instances need an hour of it. */
const LONGEST_ROLL_SECONDS = 25_200;
const GUARDRAILS = 'docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html';

/** What SageMaker, or this app, does not have together; each with its reason. */
const EXCLUSIONS: readonly Rule[] = [
  [
    'shadow',
    (of) => of.shadow !== undefined && of.experiments,
    'no shadow with experiments: SageMaker takes one production variant beside a shadow, and an experiment needs two; set experiments to false',
  ],
  [
    'shadow',
    (of) => of.shadow !== undefined && of.mode === 'serverless',
    'no shadow with mode serverless: SageMaker has no shadow variants of serverless endpoints',
  ],
  [
    'shadow',
    (of) => of.shadow !== undefined && of.mode === 'in-process',
    'no shadow with mode in-process: a shadow is a variant of an endpoint, and there is none',
  ],
  [
    'experiments',
    (of) => of.experiments && of.mode === 'serverless',
    'false with mode serverless: a serverless endpoint has one production variant',
  ],
  [
    'experiments',
    (of) => of.experiments && of.routing === 'rolling' && of.canaryPercent > 0,
    `false with routing rolling: SageMaker rolls no endpoint of several variants (${GUARDRAILS})`,
  ],
  [
    'canaryPercent',
    (of) => of.canaryPercent > 0 && of.mode === 'serverless',
    'number 0 with mode serverless: a canary or a batch is a part of the instances, and there are none',
  ],
  [
    'canaryPercent',
    (of) => of.canaryPercent > 0 && of.mode === 'in-process',
    'number 0 with mode in-process: all functions take a new model within a minute, after it was tried once',
  ],
  [
    'canaryPercent',
    (of) => of.routing === 'rolling' && of.canaryPercent > 0 && of.canaryPercent < 5,
    'number of at least 5 with routing rolling: SageMaker takes batches of 5 to 50 percent',
  ],
  [
    'canaryWaitSeconds',
    (of) =>
      of.routing === 'rolling' &&
      of.canaryPercent > 0 &&
      Math.ceil(100 / of.canaryPercent) * of.canaryWaitSeconds > LONGEST_ROLL_SECONDS,
    `number of which all batches together wait at most ${LONGEST_ROLL_SECONDS} s: SageMaker ends an update after 28,800`,
  ],
  [
    'autoscaling',
    (of) => of.autoscaling !== undefined && of.mode === 'serverless',
    'no autoscaling with mode serverless: it scales by itself up to serverless.maxConcurrency',
  ],
  [
    'autoscaling',
    (of) => of.autoscaling !== undefined && of.mode === 'in-process',
    'no autoscaling with mode in-process: Lambda adds functions by itself',
  ],
  [
    'autoscaling',
    (of) => of.autoscaling !== undefined && /^ml\.t\d/.test(of.instanceType),
    'no autoscaling with burstable instances (ml.t…): SageMaker does not scale them',
  ],
  [
    'autoscaling.minInstances',
    ({ autoscaling: scaled, instances }) =>
      scaled !== undefined && !(scaled.minInstances <= instances && instances <= scaled.maxInstances),
    'number up to instances, and instances up to maxInstances',
  ],
  [
    'autoscaling.minInstances',
    (of) => of.autoscaling !== undefined && of.canaryPercent > 0 && of.autoscaling.minInstances < 2,
    'number of at least 2 with a canary, which is at most half of the new fleet',
  ],
  [
    'serverless',
    (of) => (of.mode === 'serverless') !== (of.serverless !== undefined),
    'an object with mode serverless, and absent with any other',
  ],
];

export const endpointConfig = fields
  .refine((of) => of.canaryPercent === 0 || of.mode !== 'instances' || of.instances > 1, {
    path: ['instances'],
    message: '2 or more with a canary, which is at most half of the new fleet; or canaryPercent 0',
  })
  .refine((of) => of.canaryPercent === 0 || of.canaryWaitSeconds >= SHORTEST_BAKE_SECONDS, {
    path: ['canaryWaitSeconds'],
    message: `number of at least ${SHORTEST_BAKE_SECONDS}: the alarms that roll back see their whole window in that time`,
  })
  .superRefine((of, context) => {
    for (const [path, broken, message] of EXCLUSIONS)
      if (broken(of)) context.addIssue({ code: 'custom', path: path.split('.'), message });
  });

export type EndpointConfig = Readonly<Fields>;
