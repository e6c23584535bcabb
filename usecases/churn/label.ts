/**
 * Churned: buys nothing in the 14 days from t. These are frequent shoppers (their median gap is days, not weeks): over a
 * horizon of 28 days too few fall silent for an honest model ever to say more than 0.8.
 */
import type { LabelSpec } from 'tidemark';

export const churned: LabelSpec = {
  name: 'churned',
  kind: 'no_event',
  event_type: 'basket',
  horizon: '14d',
  eligible: { event_type: 'basket' },
};
