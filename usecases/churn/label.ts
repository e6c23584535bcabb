/**
 * Churned: buys nothing in the 14 days from t. These are frequent shoppers (their median gap is days, not weeks): over a
 * horizon of 28 days too few fall silent for an honest model ever to say more than 0.8.
 */
import type { UseCaseSpec } from '../../core/define.ts';

export const churned: UseCaseSpec['label'] = {
  name: 'churned',
  kind: 'no_event',
  event_type: 'basket',
  horizon: '14d',
  eligible: { event_type: 'basket' },
};
