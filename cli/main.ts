import { Command } from 'commander';
import { addContract } from './commands/contract/command.ts';
import { addDemo } from './commands/demo/command.ts';
import { addDeploy } from './commands/deploy/command.ts';
import { addDestroy } from './commands/destroy/command.ts';
import { addDoctor } from './commands/doctor/command.ts';
import { addErase } from './commands/erase/command.ts';
import { addExperiment } from './commands/experiment/command.ts';
import { addFeatures } from './commands/features/command.ts';
import { addHeal } from './commands/heal/command.ts';
import { addHistory } from './commands/history/command.ts';
import { addInit } from './commands/init/command.ts';
import { addLocal } from './commands/local/command.ts';
import { addModel } from './commands/model/command.ts';
import { addPage } from './commands/page/command.ts';
import { addPut } from './commands/put/command.ts';
import { addQuarantine } from './commands/quarantine/command.ts';
import { addRedrive } from './commands/redrive/command.ts';
import { addReplay } from './commands/replay/command.ts';
import { addReport } from './commands/report/command.ts';
import { addRestore } from './commands/restore/command.ts';
import { addSource } from './commands/source/command.ts';
import { addTrain } from './commands/train/command.ts';
import { addWebhook } from './commands/webhook/command.ts';
import { CliError, messageOf } from './errors.ts';

/** In the order in which the help lists them. */
const COMMANDS = [
  addDemo,
  addInit,
  addLocal,
  addDoctor,
  addDeploy,
  addWebhook,
  addSource,
  addDestroy,
  addPut,
  addHistory,
  addTrain,
  addContract,
  addFeatures,
  addModel,
  addExperiment,
  addReport,
  addHeal,
  addErase,
  addRestore,
  addReplay,
  addRedrive,
  addQuarantine,
  addPage,
];

const FIRST_STEPS = `
First steps:
  npm run demo                      everything, locally, with real events (no AWS account)
  npx tidemark init my-case --from orders.csv
                                    a use case of your own data
  npx tidemark local start          the local cloud in the background
  npx tidemark deploy               the app into it
  npx tidemark put --file my.ndjson your own events, one JSON object per line
  npx tidemark page                 dashboard, scores and alerts in the browser

Stage "local" is the default. "dev" and "prod" use your AWS credentials.`;

/** The whole command line; exported for the tests of its help. */
export function program(): Command {
  const root = new Command('tidemark')
    .description('Real-time ML feature pipelines on AWS: events in, fresh features, scores and alerts out.')
    .showHelpAfterError('(add --help for what is allowed)')
    .addHelpText('after', FIRST_STEPS);
  for (const add of COMMANDS) add(root);
  return root;
}

/** Runs the command line; an error becomes one message and an exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(argv);
  } catch (error) {
    // Ctrl-C: whoever was interrupted has said so.
    if (error instanceof Error && error.name === 'AbortError') process.exitCode = 130;
    else {
      console.error(process.env.TIDEMARK_DEBUG && error instanceof Error ? error.stack : messageOf(error));
      process.exitCode = error instanceof CliError ? error.exitCode : 1;
    }
  }
}
