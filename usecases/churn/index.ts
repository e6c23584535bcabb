/**
 * Churn of a retailer's households: who will not come back in the next 14 days, why, and in time to act. Read on in this
 * order: events, features, label, model, alerts, experiment. `demo.ts` says what the demo plays; `released.json` is what
 * was released last.
 */
import { defineUseCase } from 'tidemark';
import { churnAlerts } from './alerts.ts';
import { basket, campaignMailing, couponRedemption, demographics } from './events.ts';
import { secondModel } from './experiment.ts';
import { churnView } from './features.ts';
import { churned } from './label.ts';
import { churnModel } from './model.ts';

export default defineUseCase({
  name: 'churn',
  entity: 'household',
  contracts: [basket, couponRedemption, campaignMailing, demographics],
  views: { churn: churnView },
  label: churned,
  model: churnModel,
  alerts: churnAlerts,
  experiments: [secondModel],
  /** Also AVAILABLE_LAG_S in load_events.py. */
  availableLag: '1s',
});
