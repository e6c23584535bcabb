/** Options and values that several commands have. */
import { InvalidArgumentError, Option } from 'commander';
import { STAGES } from '../names/deployments.ts';

export const stageOption = () => new Option('--stage <stage>', 'which deployment').choices(STAGES).default('local');

/** Of what is deployed; which definitions to deploy is another question. */
export const useCaseOption = () =>
  new Option('--usecase <name>', 'its use case, by name or folder; needed only where the stage has several');

/** Of the definitions in this folder. */
export const definitionsOption = () =>
  new Option('--usecase <name>', 'folder under usecases/, or a path to one').default('churn');

/** What makes events of files that hold none. */
export const sourceOption = () =>
  new Option(
    '--source <name>',
    'the files hold rows (CSV, JSON, Parquet), of which this source of the use case makes events',
  );

/** @throws InvalidArgumentError */
export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('allowed is a number above 0.');
  return value;
}

/** @throws InvalidArgumentError */
export function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new InvalidArgumentError('allowed is 0 to 65535.');
  return value;
}
