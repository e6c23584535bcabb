/** Who of those to be scored is asked from which variant. */
import { type Arm, armOf, HOLD_OUT, type VariantName } from '../../core/experiments/assignment.ts';
import { coverageOf, type ExperimentRecord } from '../../names/experiments.ts';
import { chunks } from '../chunks.ts';
import type { AlertRecord } from '../ports.ts';

export interface ExperimentStore {
  /** The one that runs; null: none does. */
  running(): Promise<ExperimentRecord | null>;
}

/** What an experiment that runs says of an entity. */
export interface Assigned {
  readonly experiment: string;
  /** Null: the entity takes no part. */
  readonly arm: Arm | null;
}

interface Assignable {
  readonly entity_id: string;
  /** Absent: no experiment runs. */
  readonly assigned?: Assigned;
}

/** Assigns by the experiment that runs, which is looked up anew when what is known of it is too old. */
export class Assigning {
  private readonly store: ExperimentStore;
  private readonly remembered_ms: number;
  private readonly now: () => number;
  private known: { readonly record: ExperimentRecord | null; readonly until: number } | null = null;

  /** @param remembered_ms how long an answer of the store holds. @param now ms UTC */
  constructor(store: ExperimentStore, remembered_ms: number, now: () => number) {
    this.store = store;
    this.remembered_ms = remembered_ms;
    this.now = now;
  }

  async assign<Entity extends { readonly entity_id: string }>(
    entities: readonly Entity[],
  ): Promise<readonly (Entity & Assignable)[]> {
    const record = await this.running();
    if (record === null) return entities;
    const { experiment } = record;
    return entities.map((entity) => {
      const arm = armOf(experiment, coverageOf(record), entity.entity_id);
      return { ...entity, assigned: { experiment: experiment.name, arm } };
    });
  }

  private async running(): Promise<ExperimentRecord | null> {
    if (this.known === null || this.now() >= this.known.until)
      this.known = { record: await this.store.running(), until: this.now() + this.remembered_ms };
    return this.known.record;
  }
}

/** While an experiment runs, everybody is asked from a variant by name: else its weights would decide. */
function variantOf({ assigned }: Assignable): VariantName | undefined {
  if (assigned === undefined) return undefined;
  return assigned.arm === null || assigned.arm === HOLD_OUT ? 'champion' : assigned.arm;
}

/** Whether nobody is to be told of this entity. */
export const isHeldOut = ({ assigned }: Assignable): boolean => assigned?.arm === HOLD_OUT;

/** The alert, of which nobody is told. */
export const withheld = (alert: AlertRecord | null): AlertRecord | null =>
  alert && { ...alert, disposition: { as: 'suppressed', rule: 'hold_out' } };

/**
 * The experiment that a score was made in; null: in none, as for an entity that takes no part, and where another variant
 * answered than was assigned.
 */
export const experimentOf = (one: Assignable, answered: string): string | null =>
  one.assigned && one.assigned.arm !== null && variantOf(one) === answered ? one.assigned.experiment : null;

/** Requests of at most `size`, each to one variant; undefined: to whichever SageMaker chooses. */
export function requestsOf<Entity extends Assignable>(
  entities: readonly Entity[],
  size: number,
): { readonly variant: VariantName | undefined; readonly entities: readonly Entity[] }[] {
  const byVariant = new Map<VariantName | undefined, Entity[]>();
  for (const entity of entities) {
    const variant = variantOf(entity);
    const of = byVariant.get(variant);
    if (of) of.push(entity);
    else byVariant.set(variant, [entity]);
  }
  return [...byVariant].flatMap(([variant, of]) => [...chunks(of, size)].map((some) => ({ variant, entities: some })));
}
