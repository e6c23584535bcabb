/**
 * Churn of the Complete Journey over 28 days among those active: the same events and features as usecases/churn, another
 * question. Over so long a horizon few of those who still come fall silent, and who has left long ago is not asked about.
 */
import { defineUseCase, noEvent } from 'tidemark';
import { basket, campaignMailing, couponRedemption, demographics } from '../../../usecases/churn/events.ts';
import { churnView } from '../../../usecases/churn/features.ts';
import { churnModel } from '../../../usecases/churn/model.ts';

export default defineUseCase({
  name: 'churn28',
  entity: 'household',
  contracts: [basket, couponRedemption, campaignMailing, demographics],
  views: { churn: churnView },
  label: noEvent({ name: 'churned', of: basket, horizon: '28d', eligible: { of: basket, within: '56d' } }),
  model: {
    ...churnModel,
    name: 'churn28',
    // A gap of 28 days on both sides of the validation instants.
    train: { from: '2017-05-01T00:00:00Z', to: '2017-08-30T00:00:00Z', every: '14d' },
    validation: { from: '2017-10-02T00:00:00Z', to: '2017-10-16T00:00:00Z', every: '7d' },
    test: { from: '2017-11-15T00:00:00Z', to: '2017-11-15T00:00:00Z', every: '14d' },
  },
  availableLag: '1s',
});
