import { Progress } from '../../setup/progress.mjs';
import { confirm, requirePerson } from '../confirmation.ts';
import { type ErasedStore, eraseEntity } from '../erasure.ts';
import { CliError } from '../errors.ts';
import { interruption } from '../interruption.ts';
import { deployed, type Target } from '../resources.ts';

interface EraseOptions extends Target {
  readonly entity: string;
  readonly yes?: boolean;
}

/** `tidemark erase`: exit code 1 when a store still holds the entity. */
export async function erase({ entity, stage, usecase, yes }: EraseOptions): Promise<void> {
  if (!yes) requirePerson();
  const { clients, resources } = await deployed({ stage, usecase });
  if (!yes)
    await confirm(`Erase this entity from every store of ${resources.deployment}?`, 'erase', 'Nothing was erased.');
  const stop = interruption();
  const stores = await new Progress().step('Erase the entity from every store', (step) =>
    eraseEntity(clients, resources, entity, { signal: stop.signal, onState: step.update }),
  );
  stop.release();
  console.log(erasureTable(stores));
  const left = stores.filter((store) => store.left > 0).map(({ store }) => store);
  if (left.length > 0)
    throw new CliError(`${left.join(', ')}: something is left. Run it again; runbook: docs/runbook.md#erasure`);
}

/** One line a store; names nobody. */
export function erasureTable(stores: readonly ErasedStore[]): string {
  const width = Math.max(...stores.map(({ store }) => store.length));
  const line = (store: string, taken: number | string, left: number | string) =>
    `${store.padEnd(width)}  ${String(taken).padStart(8)}  ${String(left).padStart(8)}`;
  return [line('store', 'taken', 'left'), ...stores.map((s) => line(s.store, s.taken, s.left))].join('\n');
}
