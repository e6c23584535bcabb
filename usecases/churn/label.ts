/**
 * Churned: buys nothing in the 14 days from t. These are frequent shoppers (their median gap is days, not weeks): over a
 * horizon of 28 days too few fall silent for an honest model ever to say more than 0.8.
 */
import { noEvent } from 'tidemark';
import { basket } from './events.ts';

export const churned = noEvent({ name: 'churned', of: basket, horizon: '14d' });
