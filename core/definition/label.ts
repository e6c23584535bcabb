/** What is predicted. */

import type { LabelIR } from '../ir/document.ts';
import { parseDuration } from '../values/time.ts';
import { checkLabel } from './check-learning.ts';
import { predicatesOf, type Where } from './column.ts';
import { type Contract, contractIR } from './contracts.ts';
import { LABEL } from './symbols.ts';

/** What a model learns to predict, such as `noEvent` makes it. */
export interface Label {
  readonly [LABEL]: LabelIR;
}

export const labelIR = ({ [LABEL]: ir }: Label): LabelIR => ir;

/**
 * 1 when no event of `of` falls into the `horizon` that begins at the instant asked for, else 0: who falls silent.
 * @throws DefinitionError
 */
export function noEvent<Event extends string>(spec: {
  /** What it is called in training sets and metrics. */
  readonly name: string;
  readonly of: Contract<Event>;
  /** Only events for which this holds break the silence. @default - every event */
  readonly where?: Where<NoInfer<Event>>;
  /** `14d`: how long the silence lasts. */
  readonly horizon: string;
  /** An entity is learnt from, and scored, once it had an event of this contract. @default - of `of` */
  readonly eligible?: Contract;
}): Label {
  checkLabel(spec);
  const { event_type } = contractIR(spec.of);
  return {
    [LABEL]: {
      name: spec.name,
      kind: 'no_event',
      event_type,
      where: predicatesOf(spec.where, event_type, 'label.where'),
      horizon_ms: parseDuration(spec.horizon, 'label.horizon'),
      eligible: { event_type: spec.eligible ? contractIR(spec.eligible).event_type : event_type },
    },
  };
}
