/** What starts a training, and what the state machine says where it does not train: machine, function and command line alike. */
import { z } from 'zod';

/** `hand`: a person, by the command line or the console of Step Functions. */
export const STARTED_BY = ['hand', 'schedule', 'drift'] as const;
export type StartedBy = (typeof STARTED_BY)[number];

/** Input of the state machine; an approval comes with `model_package_arn` instead. */
export interface TrainingRequest {
  /** @default - 'hand' */
  readonly by?: StartedBy;
  /** Trains whatever was trained before, and when: people only. */
  readonly force?: boolean;
  /** Its name. @default - the execution's */
  readonly training_set_id?: string;
  /** Only what was known by then: ISO 8601 with a zone, or ms UTC. */
  readonly as_of?: string | number;
  /** The name of a training set that is there: learnt from instead of a new one. */
  readonly reuse?: string;
  /** In place of the use case's: another model of the same rows, such as an experiment needs. */
  readonly seed?: number;
}

/**
 * `unchanged`: the same inputs were trained before. `cool-down`: the last training is not long ago. `no matured labels`: none
 * that the last training did not have, or too few of a kind.
 */
const DECISIONS = ['train', 'unchanged', 'cool-down', 'no matured labels'] as const;

/** Whether a request becomes a training: the answer of the function, and the output of the machine where it does not. */
export const admission = z.object({
  decision: z.enum(DECISIONS),
  /** One sentence for whoever asked. */
  reason: z.string(),
});
export type Admission = z.infer<typeof admission>;

/** What the names of alarms on drift of a model begin with, behind `<stage>/<use case>/`: they start a training. */
export const DRIFT_ALARM_PREFIX = 'ModelDrift';
