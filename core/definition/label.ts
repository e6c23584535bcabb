/** What is predicted: each kind of label is a function, and takes its events or its column by value. */

import type { LabelIR } from '../ir/document.ts';
import { parseDuration } from '../values/time.ts';
import { checkLabel } from './check-learning.ts';
import { type Column, type NumericColumn, predicatesOf, type Where } from './column.ts';
import { type Contract, contractIR } from './contracts.ts';
import { COLUMN, CONTRACT, LABEL } from './symbols.ts';

/** What a model learns to predict, such as `noEvent` makes it. */
export interface Label {
  readonly [LABEL]: LabelIR;
}

export const labelIR = ({ [LABEL]: ir }: Label): LabelIR => ir;

/** What every kind of label takes. */
interface Common<Event extends string> {
  /** What it is called in training sets and metrics. */
  readonly name: string;
  /** Only events for which this holds count. @default - every event */
  readonly where?: Where<NoInfer<Event>>;
  /** `14d`: how long after the instant is looked at. */
  readonly horizon: string;
  /**
   * Who is learnt from: entities with an event of this contract before the instant, `{ of: order, within: '180d' }` with one
   * not longer ago than that. @default - of the contract that the label is about
   */
  readonly eligible?: Contract | { readonly of: Contract; readonly within: string };
  /** How long after the horizon late facts, such as refunds, are waited for before a label is used. @default - not at all */
  readonly maturity?: string;
  /** An event of this contract in the horizon makes the label unknown: the row is left out, and counted. @default - none */
  readonly censor?: Contract;
}

interface OfEvents<Event extends string> extends Common<Event> {
  /** The events that are looked for; of a sum or a category, the column. */
  readonly of: Contract<Event>;
}

interface OfSum<Event extends string> extends Common<Event> {
  readonly of: Column<Event, NumericColumn>;
}

type CommonIR = Omit<Extract<LabelIR, { kind: 'event' }>, 'name' | 'kind'>;

function commonIR(spec: Common<string>, event_type: string): CommonIR {
  const { eligible, maturity, censor } = spec;
  return {
    event_type,
    where: predicatesOf(spec.where, event_type, 'label.where'),
    horizon_ms: parseDuration(spec.horizon, 'label.horizon'),
    eligible: eligibleIR(eligible, event_type),
    ...(maturity !== undefined && { maturity_ms: parseDuration(maturity, 'label.maturity') }),
    ...(censor && { censor: { event_type: contractIR(censor).event_type } }),
  };
}

function eligibleIR(eligible: Common<string>['eligible'], event_type: string): CommonIR['eligible'] {
  if (eligible === undefined) return { event_type };
  if (CONTRACT in eligible) return { event_type: contractIR(eligible).event_type };
  const { of, within } = eligible as { readonly of: Contract; readonly within: string };
  return { event_type: contractIR(of).event_type, within_ms: parseDuration(within, 'label.eligible.within') };
}

/**
 * 1 when no event of `of` falls into the `horizon` that begins at the instant asked for, else 0: who falls silent.
 * @throws DefinitionError
 */
export function noEvent<Event extends string>(spec: OfEvents<Event>): Label {
  checkLabel(spec);
  return { [LABEL]: { name: spec.name, kind: 'no_event', ...commonIR(spec, contractIR(spec.of).event_type) } };
}

/**
 * 1 when an event of `of` falls into the `horizon` that begins at the instant asked for, else 0: who comes, fails or cancels.
 * @throws DefinitionError
 */
export function event<Event extends string>(spec: OfEvents<Event>): Label {
  checkLabel(spec);
  return { [LABEL]: { name: spec.name, kind: 'event', ...commonIR(spec, contractIR(spec.of).event_type) } };
}

const COLUMN_OF = { of: 'column' } as const;

function sumIR(spec: OfSum<string>, crosses: { readonly at_least: number } | { readonly below: number }): Label {
  const { event_type, name: field } = spec.of[COLUMN];
  return { [LABEL]: { name: spec.name, kind: 'sum', ...commonIR(spec, event_type), field, ...crosses } };
}

/**
 * 1 when the sum of the column `of` over the `horizon` reaches `atLeast`, else 0: who spends that much. Without an event it is 0.
 * @throws DefinitionError
 */
export function sumReaches<Event extends string>(
  spec: OfSum<Event> & {
    /** Of a decimal in units of 10^-scale. */
    readonly atLeast: number;
  },
): Label {
  checkLabel(spec, { ...COLUMN_OF, atLeast: 'number' });
  return sumIR(spec, { at_least: spec.atLeast });
}

/**
 * 1 when the sum of the column `of` over the `horizon` stays below `below`, else 0: who spends less. Without an event it is 0.
 * @throws DefinitionError
 */
export function sumStaysBelow<Event extends string>(
  spec: OfSum<Event> & {
    /** Of a decimal in units of 10^-scale. */
    readonly below: number;
  },
): Label {
  checkLabel(spec, { ...COLUMN_OF, below: 'number' });
  return sumIR(spec, { below: spec.below });
}

/**
 * 1 when the first event of the `horizon` that has a value of the enum column `of` has one of `values`, else 0: which plan is
 * chosen, how a claim ends. One label for each category asks for one category against all others.
 * @throws DefinitionError
 */
export function category<Event extends string, Value extends string>(
  spec: Common<Event> & {
    readonly of: Column<Event, 'enum', Value>;
    /** Those of the column that make it 1. */
    readonly values: readonly NoInfer<Value>[];
    /** `drop`: rows without such an event are left out, and counted. @default - their label is 0 */
    readonly whenNone?: 'drop';
  },
): Label {
  checkLabel(spec, { ...COLUMN_OF, values: 'texts', whenNone: 'text?' });
  const { event_type, name: field } = spec.of[COLUMN];
  const { values, whenNone } = spec;
  return {
    [LABEL]: {
      ...{ name: spec.name, kind: 'category', ...commonIR(spec, event_type), field, values },
      ...(whenNone !== undefined && { when_none: whenNone }),
    },
  };
}
