/** As checks.ts, of what is learnt: label, model, alerts. */
import { has, isObject, type Members, requireMembers } from './spec.ts';
import { CONTRACT } from './symbols.ts';

const INSTANTS: Members = { from: 'text', to: 'text', every: 'text' };
const MOVING: Members = { last: 'text', every: 'text' };
const MODEL: Members = {
  name: 'text',
  view: 'object?',
  inputs: 'features',
  baselineInputs: 'features',
  framework: 'text?',
  hyperparameters: 'object?',
  monotone: 'object?',
  train: 'object',
  validation: 'object',
  test: 'object',
  seed: 'number',
  sampling: 'object?',
  search: 'object?',
  calibration: 'text?',
  segments: 'features?',
  gate: 'object',
};
const MONOTONE: Members = { increasing: 'features?', decreasing: 'features?' };
const SAMPLING: Members = { fraction: 'number', seed: 'number' };
const GATE: Members = {
  minAuc: 'number',
  maxAuc: 'number',
  minAucGainOverBaseline: 'number',
  maxCalibrationError: 'number',
  marginOverChampion: 'number?',
  maxCalibrationSlopeError: 'number?',
  maxLatencyMs: 'number?',
  maxBytes: 'number?',
};
const SEARCH: Members = { strategy: 'text', trials: 'number', seed: 'number?', parameters: 'object' };
const VALUES: Members = { values: 'list' };
const RANGE: Members = { min: 'number', max: 'number', scale: 'text?', integer: 'boolean?' };

/** @throws DefinitionError */
export function checkModel(model: unknown): void {
  requireMembers(model, MODEL, 'model');
  const { monotone, sampling, gate, search, ...parts } = model as Record<string, unknown>;
  if (monotone !== undefined) requireMembers(monotone, MONOTONE, 'model.monotone');
  if (sampling !== undefined) requireMembers(sampling, SAMPLING, 'model.sampling');
  requireMembers(gate, GATE, 'model.gate');
  if (search !== undefined) checkSearch(search);
  for (const part of ['train', 'validation', 'test']) {
    const moving = isObject(parts[part]) && 'last' in parts[part];
    requireMembers(parts[part], moving ? MOVING : INSTANTS, `model.${part}`);
  }
}

function checkSearch(search: unknown): void {
  requireMembers(search, SEARCH, 'model.search');
  for (const [name, range] of Object.entries((search as { readonly parameters: object }).parameters)) {
    const members = isObject(range) && 'values' in range ? VALUES : RANGE;
    requireMembers(range, members, `model.search.parameters.${name}`);
  }
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
  eligible: 'any?',
  maturity: 'text?',
  censor: 'contract?',
};
const ELIGIBLE: Members = { of: 'contract', within: 'text' };

/** @param own what this kind of label takes besides, or otherwise. @throws DefinitionError */
export function checkLabel(spec: unknown, own: Members = {}): void {
  requireMembers(spec, { ...LABEL, ...own }, 'label');
  const { eligible } = spec as { readonly eligible?: unknown };
  if (eligible === undefined) return;
  if (!has(eligible, CONTRACT)) requireMembers(eligible, ELIGIBLE, 'label.eligible');
}
