/** As checks.ts, of what is learnt: label, model, alerts. */
import { isObject, type Members, requireMembers } from './spec.ts';

const INSTANTS: Members = { from: 'text', to: 'text', every: 'text' };
const MOVING: Members = { last: 'text', every: 'text' };
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
  for (const part of ['train', 'validation', 'test']) {
    const moving = isObject(parts[part]) && 'last' in parts[part];
    requireMembers(parts[part], moving ? MOVING : INSTANTS, `model.${part}`);
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
};
const REASON: Members = { of: 'feature', text: 'text', format: 'text' };

/** @throws DefinitionError */
export function checkAlerts(alerts: unknown): void {
  requireMembers(alerts, ALERTS, 'alerts');
  const { reasons = [] } = alerts as { readonly reasons?: readonly unknown[] };
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
