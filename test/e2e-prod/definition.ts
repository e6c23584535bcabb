/** The use case that ships, moved to today: production's clock is the wall's, so its history has to end now. */
import { count, defineUseCase, type InstantsSpec, type MovingInstantsSpec } from '../../core/definition/define.ts';
import { DAY } from '../../core/values/time.ts';
import { churnAlerts } from '../../usecases/churn/alerts.ts';
import { basket, campaignMailing, couponRedemption, demographics } from '../../usecases/churn/events.ts';
import { churnView } from '../../usecases/churn/features.ts';
import { churned } from '../../usecases/churn/label.ts';
import { churnModel } from '../../usecases/churn/model.ts';

export interface Variant {
  /** Days by which everything is later than in 2017. */
  readonly days: number;
  /** Whether its view has a feature more. */
  readonly changed: boolean;
}

/** Judged mildly: of a few households no model can be shown to be better than its baseline, and this is not about the model. */
export function definition({ days, changed }: Variant) {
  const shifted = (instant: string) => new Date(Date.parse(instant) + days * DAY).toISOString();
  const later = (slice: InstantsSpec | MovingInstantsSpec) =>
    'last' in slice ? slice : { from: shifted(slice.from), to: shifted(slice.to), every: slice.every };
  return defineUseCase({
    name: 'churn',
    entity: 'household',
    contracts: [basket, couponRedemption, campaignMailing, demographics],
    views: {
      churn: changed
        ? {
            ...churnView,
            features: { ...churnView.features, baskets_180d: count({ of: basket, window: '180d' }) },
          }
        : churnView,
    },
    label: churned,
    model: {
      ...churnModel,
      train: later(churnModel.train),
      validation: later(churnModel.validation),
      test: later(churnModel.test),
      gate: { minAuc: 0.5, maxAuc: 1, minAucGainOverBaseline: -1, maxCalibrationError: 1 },
    },
    alerts: { ...churnAlerts, threshold: 0.6, rearmBelow: 0.4 },
    availableLag: '1s',
  });
}
