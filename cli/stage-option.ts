import { Option } from 'commander';
import { STAGES } from './connection.ts';

export const stageOption = () => new Option('--stage <stage>', 'which deployment').choices(STAGES).default('local');
