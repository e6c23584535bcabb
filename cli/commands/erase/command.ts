import { isUtf8 } from 'node:buffer';
import type { Command } from 'commander';
import { confirm, requirePerson } from '../../confirmation.ts';
import { CliError } from '../../errors.ts';
import { readLines } from '../../input/lines.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import type { Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { type ErasedStore, eraseEntity } from './erase.ts';

interface EraseOptions extends Target {
  /** Where the id stands; `-`: standard input. */
  readonly entityFile?: string;
  readonly entity?: string;
  readonly yes?: boolean;
}

export function addErase(root: Command): void {
  root
    .command('erase')
    .description('erase one entity from every store, for good')
    .option('--entity-file <file>', 'file whose one line is the entity_id; - is standard input, with --yes')
    .option(
      '--entity <id>',
      'the entity_id itself, which then stands in the list of processes and the history of the shell',
    )
    .option('--yes', 'do not ask')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(readAndErase);
}

async function readAndErase({ entityFile, entity: given, yes = false, ...target }: EraseOptions): Promise<void> {
  if (!yes) requirePerson();
  if ((given === undefined) === (entityFile === undefined))
    throw new CliError('Say whom, once: --entity-file <file> (- is standard input), or --entity <id>.');
  const entity = given ?? (await readEntity(entityFile ?? ''));
  await withStage(target, (stage) => erase(stage, entity, yes));
}

/** Exit code 1 when a store still holds the entity. */
async function erase(stage: OpenStage, entity: string, yes: boolean): Promise<void> {
  const { clients, resources } = stage;
  if (!yes)
    await confirm(`Erase this entity from every store of ${resources.deployment}?`, 'erase', 'Nothing was erased.');
  const stores = await stage.step('Erase the entity from every store', (watch) =>
    eraseEntity(clients, resources, entity, watch),
  );
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
  if (!isUtf8(id)) throw new CliError(`${file}: its line is not valid UTF-8; write the entity_id as UTF-8 or UTF-16.`);
  return id.toString('utf8');
}

/** One line per store; names nobody. */
export function erasureTable(stores: readonly ErasedStore[]): string {
  const width = Math.max(...stores.map(({ store }) => store.length));
  const line = (store: string, taken: number | string, left: number | string) =>
    `${store.padEnd(width)}  ${String(taken).padStart(8)}  ${String(left).padStart(8)}`;
  return [line('store', 'taken', 'left'), ...stores.map((s) => line(s.store, s.taken, s.left))].join('\n');
}
