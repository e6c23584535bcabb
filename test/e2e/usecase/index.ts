import churn from '../../../usecases/churn/index.ts';

/**
 * The use case that ships, judged mildly: of 150 households a model can't be shown to be better than its baseline, and
 * this test is about the way from event to alert, not about the model.
 */
export default {
  ...churn,
  model: {
    ...churn.model,
    gate: { ...churn.model.gate, min_auc: 0.5, max_auc: 1, min_auc_gain_over_baseline: -1, max_calibration_error: 1 },
  },
  alerts: { ...churn.alerts, threshold: 0.6, rearm_below: 0.4 },
};
