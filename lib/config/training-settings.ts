import { z } from 'zod';

const int = (min: number, max: number) => z.int().min(min).max(max);

export const retrain = z.strictObject({
  /**
   * When the model is trained again, as EventBridge Scheduler takes it, in UTC: `cron(0 4 ? * MON *)`, `rate(7 days)`. Worth
   * something where the slices of the model move (`last`); absent: never.
   */
  schedule: z
    .string()
    .regex(/^(cron|rate)\(.+\)$/, 'cron(…) or rate(…)')
    .optional(),
  /** Whether an alarm named `<stage>/<use case>/ModelDrift…` that rings trains the model again. */
  onDrift: z.boolean(),
  /** After a training the next one waits so long (h), unless a person forces it; 0: not at all. */
  cooldownHours: int(0, 8760),
  /** A training set whose train, validation or test has fewer of either label is not trained on. */
  minLabels: int(0, 1_000_000),
});

/** Of this machine alone, and of no other: for the local cloud. */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/|$)/;

export const mlflow = z.union([
  z.strictObject({
    /** Address of a server of your own, https; its secret takes the credentials after the deployment. */
    trackingUri: z
      .url()
      .refine((url) => url.startsWith('https://') || LOOPBACK.test(url), 'an https address')
      .refine((url) => !/[?#]|\/\/[^/]*@/.test(url), 'an address without credentials, ? and #'),
  }),
  z.strictObject({
    /** An MLflow App of SageMaker, made with the deployment. */
    app: z.literal(true),
  }),
]);

/** Whether it is reached without TLS, which only the local cloud may. */
export const isPlain = (settings: z.infer<typeof mlflow> | undefined): boolean =>
  settings !== undefined && 'trackingUri' in settings && !settings.trackingUri.startsWith('https://');
