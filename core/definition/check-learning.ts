/** As checks.ts, of what is learnt: label, model, alerts. */
import { type Members, requireMembers } from './spec.ts';

const INSTANTS: Members = { from: 'text', to: 'text', every: 'text' };
const MODEL: Members = {
  name: 'text',
  view: 'object?',
  inputs: 'features',
  baselineInputs: 'features',
  hyperparameters: 'object?',
  monotone: 'object?',
  train: 'object',
  validation: 'object',
  test: 'object',
  seed: 'number',
  gate: 'object',
};
const MONOTONE: Members = { increasing: 'features?', decreasing: 'features?' };
const GATE: Members = {
  minAuc: 'number',
  maxAuc: 'number',
  minAucGainOverBaseline: 'number',
  maxCalibrationError: 'number',
};

/** @throws DefinitionError */
export function checkModel(model: unknown): void {
  requireMembers(model, MODEL, 'model');
  const { monotone, gate, ...parts } = model as Record<string, unknown>;
  if (monotone !== undefined) requireMembers(monotone, MONOTONE, 'model.monotone');
  requireMembers(gate, GATE, 'model.gate');
  for (const part of ['train', 'validation', 'test']) requireMembers(parts[part], INSTANTS, `model.${part}`);
}

const ALERTS: Members = {
  name: 'text',
  threshold: 'number',
  rearmBelow: 'number',
  cooldown: 'text',
  topReasons: 'number',
  title: 'text',
  link: 'text',
  reasons: 'list?',
  capacityPerDay: 'number?',
  value: 'object?',
  expectedResponse: 'number?',
  contactCost: 'number?',
  quietHours: 'object?',
  guard: 'object?',
  holdOut: 'number?',
};
const VALUE: Members = { of: 'feature', scale: 'number?' };
const QUIET_HOURS: Members = { from: 'text', to: 'text', zone: 'any' };
const ZONE_OF_FEATURE: Members = { of: 'feature', otherwise: 'text' };
const GUARD: Members = { share: 'number', window: 'text' };
const REASON: Members = { of: 'feature', text: 'text', format: 'text' };

/** @throws DefinitionError */
export function checkAlerts(alerts: unknown): void {
  requireMembers(alerts, ALERTS, 'alerts');
  const {
    reasons = [],
    value,
    quietHours,
    guard,
  } = alerts as Record<string, unknown> & { readonly reasons?: unknown[] };
  if (value !== undefined) requireMembers(value, VALUE, 'alerts.value');
  if (guard !== undefined) requireMembers(guard, GUARD, 'alerts.guard');
  if (quietHours !== undefined) {
    requireMembers(quietHours, QUIET_HOURS, 'alerts.quietHours');
    const { zone } = quietHours as { readonly zone: unknown };
    if (typeof zone !== 'string') requireMembers(zone, ZONE_OF_FEATURE, 'alerts.quietHours.zone');
  }
  for (const [i, reason] of reasons.entries()) requireMembers(reason, REASON, `alerts.reasons.${i}`);
}

const LABEL: Members = {
  name: 'text',
  of: 'contract',
  where: 'where?',
  horizon: 'text',
  eligible: 'contract?',
};

/** @throws DefinitionError */
export const checkLabel = (spec: unknown) => requireMembers(spec, LABEL, 'label');
