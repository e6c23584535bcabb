/** The smallest use case around features: what a test of one definition does not want to say again. */
import { type Contract, count, defineUseCase, type FeatureSpec, instants } from '../../core/define.ts';
import type { UseCaseIR } from '../../core/ir.ts';

/** @param contracts the first one's events are the label's. @param features of the one view, which is called `some` */
export function useCaseOf(contracts: readonly Contract[], features: Readonly<Record<string, FeatureSpec>>): UseCaseIR {
  const [of] = contracts;
  const { event_type } = of!.ir;
  return defineUseCase({
    name: 'some',
    entity: 'customer',
    contracts,
    views: { some: { entity: 'customer', features: { ...features, n: count({ of: of!, window: '7d' }) } } },
    label: { name: 'gone', kind: 'no_event', event_type, horizon: '14d', eligible: { event_type } },
    model: {
      name: 'some',
      view: 'some',
      inputs: ['n'],
      baseline_inputs: ['n'],
      hyperparameters: {},
      train: instants('2017-05-01T00:00:00Z', '2017-09-01T00:00:00Z', '14d'),
      validation: instants('2017-09-15T00:00:00Z', '2017-10-01T00:00:00Z', '14d'),
      test: instants('2017-11-01T00:00:00Z', '2017-11-01T00:00:00Z', '14d'),
      seed: 1,
      gate: { min_auc: 0.7, max_auc: 0.95, min_auc_gain_over_baseline: 0, max_calibration_error: 0.1 },
    },
    alerts: {
      name: 'some',
      threshold: 0.8,
      rearm_below: 0.6,
      cooldown: '14d',
      top_reasons: 1,
      title: 't',
      link: 'l',
      reasons: {},
    },
  });
}
