import { isUtf8 } from 'node:buffer';
import { Progress } from '../../../setup/progress.mjs';
import { confirm, requirePerson } from '../../confirmation.ts';
import { CliError } from '../../errors.ts';
import { readLines } from '../../input/lines.ts';
import { interruption } from '../../stage/interruption.ts';
import { deployed, type Target } from '../../stage/resources.ts';
import { type ErasedStore, eraseEntity } from './erase.ts';

interface EraseOptions extends Target {
  /** Where the id stands; `-`: standard input. */
  readonly entityFile?: string;
  readonly entity?: string;
  readonly yes?: boolean;
}

/** `tidemark erase`: exit code 1 when a store still holds the entity. */
export async function erase({ entityFile, entity: given, stage, usecase, yes }: EraseOptions): Promise<void> {
  if (!yes) requirePerson();
  if ((given === undefined) === (entityFile === undefined))
    throw new CliError('Say whom, once: --entity-file <file> (- is standard input), or --entity <id>.');
  const entity = given ?? (await readEntity(entityFile ?? ''));
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

/** The one line of a file, without its end. @throws CliError for none, several, or one that is not UTF-8 */
export async function readEntity(file: string): Promise<string> {
  const lines: Buffer[] = [];
  for await (const { bytes } of readLines(file, { anything: true })) lines.push(bytes);
  const [id, ...others] = lines;
  if (id === undefined || others.length > 0)
    throw new CliError(`${file}: found ${lines.length} lines; allowed is one, the entity_id of an event.`);
  // Bytes that are replaced would make another id, of which every store has nothing left.
  if (!isUtf8(id)) throw new CliError(`${file}: its line is not UTF-8; write the entity_id as UTF-8 or UTF-16.`);
  return id.toString('utf8');
}

/** One line a store; names nobody. */
export function erasureTable(stores: readonly ErasedStore[]): string {
  const width = Math.max(...stores.map(({ store }) => store.length));
  const line = (store: string, taken: number | string, left: number | string) =>
    `${store.padEnd(width)}  ${String(taken).padStart(8)}  ${String(left).padStart(8)}`;
  return [line('store', 'taken', 'left'), ...stores.map((s) => line(s.store, s.taken, s.left))].join('\n');
}
