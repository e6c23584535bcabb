import { loadDefinitions } from '../../definitions.ts';
import { CliError } from '../../errors.ts';
import { type EventReader, eventReader, rowsSource } from './events.ts';

/**
 * What reads files for a command that is told a source: its map stands in the definitions, not in what is deployed.
 * @throws CliError when it is not said whose source it is, or there is none of this name
 */
export async function sourceReader(source: string, usecase: string | undefined): Promise<EventReader> {
  if (usecase === undefined)
    throw new CliError(
      `--source ${source} is a source of a use case: say of which, with --usecase <name or folder>.`,
      2,
    );
  const { ir } = await loadDefinitions(usecase);
  return eventReader(rowsSource(ir, source), ir.contracts);
}
