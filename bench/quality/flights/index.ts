/** Which of the planes that fly from New York these days leave an hour or more late within the next 24 hours. */
import {
  contract,
  count,
  countDistinct,
  defineUseCase,
  derived,
  event,
  expr,
  field,
  last,
  max,
  mean,
  timeSinceLast,
} from 'tidemark';

const { div } = expr;

const flight = {
  carrier: field.string({ maxLength: 2 }),
  origin: field.enum(['EWR', 'JFK', 'LGA']),
  dest: field.string({ maxLength: 3 }),
  /** Miles. */
  distance: field.int({ min: 0, max: 10_000 }),
};
const departure = contract('departure', 1, {
  fields: {
    ...flight,
    /** Minutes; early is negative. */
    delay: field.int({ min: -1_000, max: 10_000 }),
  },
});
const cancellation = contract('cancellation', 1, { fields: flight });
const late = departure.delay.gte(60);

const departures_1d = count({ of: departure, window: '1d' });
const departures_7d = count({ of: departure, window: '7d' });
const departures_30d = count({ of: departure, window: '30d' });
const late_1d = count({ of: departure, where: late, window: '1d' });
const late_7d = count({ of: departure, where: late, window: '7d' });
const late_30d = count({ of: departure, where: late, window: '30d' });
const late_share_30d = derived(div(late_30d, departures_30d), 'Part of the departures of 30 days an hour late or more');
const delay_1d = mean({ of: departure.delay, window: '1d' });
const delay_7d = mean({ of: departure.delay, window: '7d' });
const delay_30d = mean({ of: departure.delay, window: '30d' });
const worst_7d = max({ of: departure.delay, window: '7d' });
const last_delay = last({ of: departure.delay, window: 'lifetime' });
const last_origin = last({ of: departure.origin, window: 'lifetime' });
const last_distance = last({ of: departure.distance, window: 'lifetime' });
const distance_30d = mean({ of: departure.distance, window: '30d' });
const destinations_30d = countDistinct({ of: departure.dest, window: '30d', cap: 64 });
const cancelled_7d = count({ of: cancellation, window: '7d' });
const since_last = timeSinceLast({ of: departure, window: 'lifetime' });

const planes = {
  entity: 'plane',
  features: {
    departures_1d,
    departures_7d,
    departures_30d,
    late_1d,
    late_7d,
    late_30d,
    late_share_30d,
    delay_1d,
    delay_7d,
    delay_30d,
    worst_7d,
    last_delay,
    last_origin,
    last_distance,
    distance_30d,
    destinations_30d,
    cancelled_7d,
    since_last,
  },
};

export default defineUseCase({
  name: 'flights',
  entity: 'plane',
  contracts: [departure, cancellation],
  views: { planes },
  label: event({
    ...{ name: 'an_hour_late', of: departure, where: late, horizon: '24h' },
    eligible: { of: departure, within: '7d' },
  }),
  model: {
    name: 'flights',
    inputs: Object.values(planes.features),
    baselineInputs: [
      departures_1d,
      departures_7d,
      departures_30d,
      late_7d,
      late_30d,
      delay_7d,
      distance_30d,
      since_last,
    ],
    hyperparameters: {
      max_depth: 4,
      eta: 0.05,
      subsample: 0.7,
      colsample_bytree: 0.5,
      min_child_weight: 20,
      num_boost_round: 2000,
      early_stopping_rounds: 50,
    },
    /** 04:00 in New York in winter, when the day's delays are over. Every third day, so that all days of the week come. */
    train: { from: '2013-02-01T09:00:00Z', to: '2013-08-28T09:00:00Z', every: '3d' },
    validation: { from: '2013-09-01T09:00:00Z', to: '2013-10-15T09:00:00Z', every: '3d' },
    test: { from: '2013-10-20T09:00:00Z', to: '2013-12-28T09:00:00Z', every: '3d' },
    seed: 2013,
    gate: { minAuc: 0.6, maxAuc: 0.9, minAucGainOverBaseline: -0.005, maxCalibrationError: 0.05 },
  },
});
