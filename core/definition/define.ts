/**
 * How a use case is written: contracts, a feature view, a label, a model and alerts, compiled to the IR.
 * Names are checked by the compiler where it can (fields of a contract) and by `validateUseCase` where it can't.
 */

import type {
  AlertIR,
  ContractIR,
  FeatureViewIR,
  InstantsIR,
  LabelIR,
  ModelIR,
  RememberedIR,
  UseCaseIR,
} from '../ir/document.ts';
import { retractionRules } from '../state/plan.ts';
import { instantOf, parseDuration } from '../values/time.ts';
import { checkedFeatures, checkUseCase, checkView } from './checks.ts';
import type { Contract } from './contracts.ts';
import { type Condition, type FeatureSpec, predicates } from './declare.ts';
import { hashOf, type ViewBody, versionOf } from './hash.ts';
import { withPlan } from './plan.ts';
import { requireKind } from './spec.ts';
import { parseUseCase } from './usecase.ts';

export * from '../aggregates/index.ts';
export { type Contract, contract, type DerivedColumnSpec, type FieldSpec, field } from './contracts.ts';
export type { FeatureSpec } from './declare.ts';
export { derived, expr } from './features.ts';

interface Remembered {
  readonly horizon: string;
  readonly cap: number;
}

export interface ViewSpec {
  readonly entity: string;
  /** How long, by arrival, a producer's retry is recognised by its event id. @default 3d and 256 ids */
  readonly dedupe?: Remembered;
  /** How long, by arrival, an event can be retracted exactly at once; older ones wait for the healing. @default 90d and 256 events */
  readonly retractions?: Remembered;
  /** How long events are kept, if not for ever: no window may be wider. @default - for ever */
  readonly retention?: string;
  readonly features: Readonly<Record<string, FeatureSpec>>;
}

/** An instant of a definition, ms UTC. */
export const instant = instantOf;

/** Every so often from one instant to another, both included where they are met. */
export const instants = (from: string, to: string, every: string): InstantsIR => ({
  from: instant(from, 'instants.from'),
  to: instant(to, 'instants.to'),
  every_ms: parseDuration(every, 'instants.every'),
});

export type LabelSpec = Omit<LabelIR, 'horizon_ms' | 'where'> & {
  readonly horizon: string;
  readonly where?: Readonly<Record<string, Condition>>;
};

export type ModelSpec = ModelIR;

export type AlertSpec = Omit<AlertIR, 'cooldown_ms'> & { readonly cooldown: string };

export interface UseCaseSpec {
  readonly name: string;
  readonly entity: string;
  readonly contracts: readonly Contract[];
  readonly views: Readonly<Record<string, ViewSpec>>;
  /** What is predicted. @default - nothing: events and features alone are a use case */
  readonly label?: LabelSpec;
  /** Learns the label: each needs the other. */
  readonly model?: ModelSpec;
  /** @default - scores raise no alert */
  readonly alerts?: AlertSpec;
  /** Loaded history and replays: how long after an event it became known. @default '1s' */
  readonly available_lag?: string;
}

/** The document of a use case, with the parts that it was given. */
export type DefinedUseCase<Spec extends UseCaseSpec> = UseCaseIR & {
  readonly [Part in 'label' | 'model' | 'alerts' as Spec[Part] extends object ? Part : never]: NonNullable<
    UseCaseIR[Part]
  >;
};

function remembered(said: Remembered | undefined, fallback: Remembered, at: string): RememberedIR {
  const { horizon, cap } = said ?? fallback;
  return { horizon_ms: parseDuration(horizon, `${at}.horizon`), cap };
}

function compileViewSpec(name: string, view: ViewSpec, contracts: readonly ContractIR[]): FeatureViewIR {
  const at = `views.${name}`;
  checkView(name, view);
  const features = Object.entries(view.features).flatMap(([feature, make]) => checkedFeatures(feature, make(feature)));
  const rules = retractionRules(features, contracts);
  const body: ViewBody = {
    name,
    entity: view.entity,
    features,
    dedupe: remembered(view.dedupe, { horizon: '3d', cap: 256 }, `${at}.dedupe`),
    retractions:
      rules.length === 0
        ? null
        : { ...remembered(view.retractions, { horizon: '90d', cap: 256 }, `${at}.retractions`), rules },
    retention_ms: view.retention === undefined ? null : parseDuration(view.retention, `${at}.retention`),
  };
  const definition_hash = hashOf(body, contracts);
  return withPlan({ ...body, definition_hash, version: versionOf(name, definition_hash) });
}

function compileLabel({ horizon, where, ...label }: LabelSpec): LabelIR {
  return { ...label, where: predicates(where ?? {}), horizon_ms: parseDuration(horizon, 'label.horizon') };
}

function compileAlerts({ cooldown, ...alerts }: AlertSpec): AlertIR {
  return { ...alerts, cooldown_ms: parseDuration(cooldown, 'alerts.cooldown') };
}

/** Compiles and checks a use case. @throws DefinitionError naming the field, what was found and what is allowed */
export function defineUseCase<const Spec extends UseCaseSpec>(spec: Spec): DefinedUseCase<Spec> {
  checkUseCase(spec);
  const contracts = spec.contracts.map((c) => c.ir);
  const views = Object.entries(spec.views).map(([name, view]) => compileViewSpec(name, view, contracts));
  for (const part of ['label', 'model', 'alerts'] as const)
    if (spec[part] !== undefined) requireKind(spec[part], 'object', part);
  const ir: UseCaseIR = {
    ir_version: 2,
    name: spec.name,
    entity: spec.entity,
    contracts,
    views,
    ...(spec.label && { label: compileLabel(spec.label) }),
    ...(spec.model && { model: spec.model }),
    ...(spec.alerts && { alerts: compileAlerts(spec.alerts) }),
    replay: { available_lag_ms: parseDuration(spec.available_lag ?? '1s', 'available_lag') },
  };
  // Through JSON, so that what is checked is what the other languages will read.
  return parseUseCase(JSON.parse(JSON.stringify(ir))) as DefinedUseCase<Spec>;
}
