import { Option } from 'commander';
import { STAGES } from './connection.ts';

export const stageOption = () => new Option('--stage <stage>', 'which deployment').choices(STAGES).default('local');

/** Of what is deployed; which definitions to deploy is another question. */
export const useCaseOption = () =>
  new Option('--usecase <name>', 'its use case, by name or folder; needed only where the stage has several');
