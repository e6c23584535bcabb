/**
 * How a use case is written: contracts, a feature view, a label, a model and alerts, compiled to the IR.
 * Names are checked by the compiler where it can (fields of a contract) and by `validateUseCase` where it can't.
 */

import type { ContractIR, FeatureViewIR, RememberedIR, UseCaseIR } from '../ir/document.ts';
import { DefinitionError, shown } from '../ir/errors.ts';
import { retractionRules } from '../state/plan.ts';
import { parseDuration } from '../values/time.ts';
import { type AlertSpec, compileAlerts } from './alerts.ts';
import { checkUseCase, checkView } from './checks.ts';
import { type Contract, contractIR } from './contracts.ts';
import { compileExperiments, type Experiment } from './experiment.ts';
import { type Feature, type FeatureNames, namesOf, type Series } from './feature.ts';
import { hashOf, type ViewBody, versionOf } from './hash.ts';
import { type Label, labelIR } from './label.ts';
import { compileModel, type ModelSpec } from './model.ts';
import { withPlan } from './plan.ts';
import { type Source, sourceIR } from './sources.ts';
import { FEATURE } from './symbols.ts';
import { parseUseCase } from './usecase.ts';

export * from '../aggregates/index.ts';
export type { AlertSpec, QuietHoursSpec, ReasonSpec } from './alerts.ts';
export type { Column, Condition, Where } from './column.ts';
export { type Contract, contract, type DerivedColumnSpec } from './contracts.ts';
export type { DemoSpec, SourceSample } from './demo.ts';
export { type Experiment, type ExperimentSpec, experiment, type FeatureMetric } from './experiment.ts';
export { derived, expr } from './expressions.ts';
export { type AggregateFeature, type Feature, type Series, series } from './feature.ts';
export { type FieldSpec, field } from './fields.ts';
export { category, event, type Label, noEvent, sumReaches, sumStaysBelow } from './label.ts';
export type { GateSpec, InstantsSpec, ModelSpec, MovingInstantsSpec, SearchRange, SearchSpec } from './model.ts';
export { type At, at, type EraseRule, firstOf, type MapRule, rule, type Source, source } from './sources.ts';

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
  /** By their names; what is computed from others stands after them. */
  readonly features: Readonly<Record<string, Feature | Series>>;
}

export interface UseCaseSpec {
  readonly name: string;
  readonly entity: string;
  readonly contracts: readonly Contract[];
  readonly views: Readonly<Record<string, ViewSpec>>;
  /** What is predicted. @default - nothing: events and features alone are a use case */
  readonly label?: Label;
  /** Learns the label: each needs the other. */
  readonly model?: ModelSpec;
  /** @default - scores raise no alert */
  readonly alerts?: AlertSpec;
  /** Models that may be tried against the one that serves, one at a time. @default - none */
  readonly experiments?: readonly Experiment[];
  /** Who sends events otherwise than in canonical form. @default - nobody */
  readonly sources?: readonly Source[];
  /** Loaded history and replays: how long after an event it became known. @default '1s' */
  readonly availableLag?: string;
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

interface CompiledView {
  readonly spec: ViewSpec;
  readonly ir: FeatureViewIR;
  readonly names: FeatureNames;
}

function compileViewSpec(name: string, view: ViewSpec, contracts: readonly ContractIR[]): CompiledView {
  const at = `views.${name}`;
  checkView(name, view);
  const names = namesOf(view.features);
  const features = [...names].map(([feature, called]) => feature[FEATURE].compile(called, names));
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
  return { spec: view, names, ir: withPlan({ ...body, definition_hash, version: versionOf(name, definition_hash) }) };
}

/** The view of a model: the one that it says, or the only one. @throws DefinitionError */
function viewOf({ view }: ModelSpec, views: readonly CompiledView[]): CompiledView {
  const found = view === undefined && views.length === 1 ? views[0] : views.find(({ spec }) => spec === view);
  if (found) return found;
  throw new DefinitionError('model.view', shown(view), `one of the views ${views.map(({ ir }) => ir.name).join(', ')}`);
}

/** Compiles and checks a use case. @throws DefinitionError naming the field, what was found and what is allowed */
export function defineUseCase<const Spec extends UseCaseSpec>(spec: Spec): DefinedUseCase<Spec> {
  checkUseCase(spec);
  const contracts = spec.contracts.map(contractIR);
  const views = Object.entries(spec.views).map(([name, view]) => compileViewSpec(name, view, contracts));
  const { label, model, alerts, experiments } = spec;
  const read = model && viewOf(model, views);
  if (alerts && !label && !read)
    throw new DefinitionError(
      'alerts',
      'alerts without a model, whose scores would raise them',
      'a model, or no alerts',
    );
  if (experiments && !read)
    throw new DefinitionError('experiments', 'experiments without a model', 'a model, or no experiments');
  const ir: UseCaseIR = {
    ir_version: 2,
    name: spec.name,
    entity: spec.entity,
    contracts,
    views: views.map(({ ir }) => ir),
    ...(label && { label: labelIR(label) }),
    ...(read && { model: compileModel(model, read.ir.name, read.names) }),
    ...(alerts && read && { alerts: compileAlerts(alerts, read.names) }),
    ...(experiments && read && { experiments: compileExperiments(experiments, read.names, read.ir) }),
    ...(spec.sources && { sources: spec.sources.map(sourceIR) }),
    replay: { available_lag_ms: parseDuration(spec.availableLag ?? '1s', 'availableLag') },
  };
  // Through JSON, so that what is checked is what the other languages will read.
  return parseUseCase(JSON.parse(JSON.stringify(ir))) as DefinedUseCase<Spec>;
}
