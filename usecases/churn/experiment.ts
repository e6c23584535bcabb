/**
 * Does another model keep more households shopping? The label would say, but is known only 14 days later; baskets a week
 * after a household was first scored say so sooner. Half of their 14 days lie before that, for both variants alike.
 */
import { experiment } from 'tidemark';
import { baskets_14d } from './features.ts';

export const secondModel = experiment({
  name: 'second_model',
  metric: { of: baskets_14d, after: '7d' },
  direction: 'increase',
  // The 2,500 households of the demo are too few to tell two good models apart, and the analysis is to say so.
  minimumSample: 5_000,
  plannedSample: 40_000,
  duration: '28d',
});
