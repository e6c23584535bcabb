/** Records of experiments that run. */
import { DAY } from '../../../core/values/time.ts';
import type { ExperimentRecord } from '../../../names/experiments.ts';

/** With a hold-out, and some who take no part. */
export const heldOut: ExperimentRecord = {
  experiment: {
    name: 'deeper',
    hash: 'sha256',
    salts: { enrol: 'deeper/enrol', variant: 'deeper/variant' },
    coverage: 0.6,
    hold_out: 0.2,
    variants: [
      { name: 'champion', weight: 0.5 },
      { name: 'challenger', weight: 0.5 },
    ],
    metric: { kind: 'label' },
    direction: 'decrease',
    minimum_sample: 100,
    planned_sample: 1000,
    alpha: 0.05,
    stop: 'any_time',
    duration_ms: 28 * DAY,
  },
  status: 'running',
  started_at: 0,
  ended_at: null,
  coverage: [{ at: 0, coverage: 0.6 }],
  packages: { champion: 'arn:champion', challenger: 'arn:challenger' },
};

/** Everybody has a variant. */
export const EXPERIMENT: ExperimentRecord = {
  ...heldOut,
  experiment: {
    ...heldOut.experiment,
    name: 'tried',
    salts: { enrol: 'b/enrol', variant: 'b/variant' },
    coverage: 1,
    hold_out: 0,
  },
  coverage: [{ at: 0, coverage: 1 }],
};
