import { Command, InvalidArgumentError, Option } from 'commander';
import { demo } from './commands/demo/command.ts';
import { deploy } from './commands/deploy/command.ts';
import { destroyDeployment } from './commands/destroy/command.ts';
import { doctor } from './commands/doctor/command.ts';
import { erase } from './commands/erase/command.ts';
import { addFeatures } from './commands/features/command.ts';
import { heal } from './commands/heal/command.ts';
import { loadHistory } from './commands/history/command.ts';
import { startLocal, statusLocal, stopLocal } from './commands/local/command.ts';
import { addModel } from './commands/model/command.ts';
import { page } from './commands/page/command.ts';
import { put } from './commands/put/command.ts';
import { parseSince, redriveCommand } from './commands/redrive/command.ts';
import { replay } from './commands/replay/command.ts';
import { restoreFeaturesTable, restoreScoresTable } from './commands/restore/command.ts';
import { rebuild, train } from './commands/train/command.ts';
import { webhook } from './commands/webhook/command.ts';
import { CliError, messageOf } from './errors.ts';
import { parseInstant } from './instant.ts';
import { stageOption, useCaseOption } from './stage/options.ts';

const definitionsOption = () =>
  new Option('--usecase <name>', 'folder under usecases/, or a path to one').default('churn');

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('allowed is a number above 0.');
  return value;
}

function scale(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('allowed is more than 0, and at most 1.');
  return value;
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new InvalidArgumentError('allowed is 0 to 65535.');
  return value;
}

function day(text: string): number {
  const value = parseInstant(text);
  if (value === null) throw new InvalidArgumentError('allowed is a day such as 2017-12-01 or an ISO time with a zone.');
  return value;
}

function since(text: string): number {
  const value = parseSince(text, Date.now());
  if (value === null)
    throw new InvalidArgumentError(
      'allowed is a duration such as 7d, a day such as 2026-11-20, or an ISO time with a zone.',
    );
  return value;
}

const DESTROY_HELP = `
What CloudFormation would stumble over goes first: the endpoint, models and versions of the registry, all versions of all
objects. A deployment with termination or deletion protection is refused, with how to lift it. It may be run again.

  npx tidemark destroy --stage dev`;

/** The whole command line; exported for the tests of its help. */
export function program(): Command {
  const root = new Command('tidemark')
    .description('Real-time ML feature pipelines on AWS: events in, fresh features, scores and alerts out.')
    .showHelpAfterError('(add --help for what is allowed)')
    .addHelpText(
      'after',
      `
First steps:
  npm run demo                      everything, locally, with real events (no AWS account)
  npx tidemark local start          the local cloud in the background
  npx tidemark deploy               the app into it
  npx tidemark put --file my.ndjson your own events, one JSON object per line
  npx tidemark page                 dashboard, scores and alerts in the browser

Stage "local" is the default. "dev" and "prod" use your AWS credentials.`,
    );

  root
    .command('demo')
    .description('deploy locally, load real history, train, replay the latest weeks, alert, and show a page')
    .option('--no-wait', 'stop everything at the end instead of serving the page until Ctrl-C')
    .option('--json <file>', 'write the summary as JSON')
    .option('--days <n>', 'days of live events to replay', positive)
    .addOption(definitionsOption())
    .action(demo);

  const local = root.command('local').description('the local cloud: an AWS on this machine, on loopback only');
  local
    .command('start')
    .description('start it in the background (it keeps its data until it stops)')
    .option('--foreground', 'stay in this terminal until Ctrl-C')
    .option('--port <port>', 'port on 127.0.0.1; 0: a free one', port, 0)
    .addOption(
      new Option('--quotas <profile>', "the account's service quotas: a new one has no endpoint instance")
        .choices(['established', 'new-account'])
        .default('established'),
    )
    .option(
      '--time-scale <factor>',
      'waits, alarm periods and canaries by this factor (0.05: 10 min are 30 s)',
      scale,
      1,
    )
    .action(startLocal);
  local.command('stop').description('stop it and everything it started').action(stopLocal);
  local.command('status').description('say whether it runs, where, and what is deployed').action(statusLocal);

  root
    .command('doctor')
    .description(
      'look at this machine and the account: what must be done before, or after, a deployment; exit code 1 if so',
    )
    .addOption(stageOption())
    .action(doctor);

  root
    .command('deploy')
    .description('deploy the app with cdk: into the local cloud, or into your AWS account')
    .option('--yes', 'do not ask before permissions change')
    .addOption(stageOption())
    .addOption(definitionsOption())
    .action(deploy);

  root
    .command('webhook')
    .description('put the Slack webhook of the alerts, from standard input, into its secret')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(webhook);

  root
    .command('destroy')
    .description('take a deployment down: say what goes and what stays, ask, delete it with all its data')
    .option('--yes', 'do not ask')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .addHelpText('after', DESTROY_HELP)
    .action(destroyDeployment);

  root
    .command('put')
    .description('send events to the stream, partition key = entity_id')
    .requiredOption(
      '--file <file>',
      'JSON, one object per line or one array, also packed: a file, folder or pattern; - is standard input',
    )
    .option('--stream <name>', 'another stream than the deployed one')
    .option('--raw', 'also send lines that are not events (they end up in the quarantine)')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(put);

  const history = root.command('history').description('events of the past, which go the batch way');
  history
    .command('load')
    .description('upload files of events, land them in the table of events and fill the online states from them')
    .argument('<files...>', 'JSON, one object per line or one array, also packed: files, folders or patterns')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(loadHistory);

  const training = root
    .command('train')
    .description('build the training set, train, gate, register and deploy the model')
    .option('--as-of <time>', 'know only what was known then', day)
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(train);
  training
    .command('rebuild')
    .description('make the files of a training set again and compare them to the byte')
    .requiredOption('--training-set <id>', 'its id')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((_, command: Command) => rebuild(command.optsWithGlobals()));

  addFeatures(root);
  addModel(root);

  root
    .command('heal')
    .description('compare online states with what their events give; exit code 1 when some differ for no known cause')
    .option('--repair', 'write those at odds anew, as every night')
    .option('--repair-all', 'also where so many differ that the job mistrusts itself')
    .option('--json <file>', 'write the report as JSON')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(heal);

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
    .action(erase);

  const restore = root.command('restore').description('make a table anew that was lost or spoilt (docs/runbook.md)');
  restore
    .command('features')
    .description('states from the lake: tombstones first, then the past, the fence last; the stream waits meanwhile')
    .option('--yes', 'do not ask')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(restoreFeaturesTable);
  restore
    .command('scores')
    .description('last scores and alerts from the predictions of the lake, so that nobody is alerted twice')
    .option('--from <table>', 'also copy what is missing from a table that was restored from a point in time')
    .option('--yes', 'do not ask')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(restoreScoresTable);

  root
    .command('replay')
    .description(
      'send events in the order in which they became known, with a sweep for silent customers after each day',
    )
    .argument('<files...>', 'JSON, one object per line or one array, also packed: files, folders or patterns')
    .option('--rate <n>', 'events per second (default: as fast as the stream takes them)', positive)
    .option('--no-sweep', 'leave the daily sweep out')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(replay);

  root
    .command('redrive')
    .description(
      'send dead letters again to whom they were for, or with --since what the streams gave up; delete what was taken',
    )
    .option('--list', 'only say how many wait in each queue')
    .option(
      '--since <time>',
      'batches of the streams that were given up since then: 7d, 2026-11-20, an ISO time with a zone',
      since,
    )
    .option('--dry-run', 'only say what would be put back')
    .option('--close-gaps', 'count what is missing in the archive and cannot be put back as archived')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(redriveCommand);

  root
    .command('page')
    .description('serve the dashboard, scores and alerts on a local page')
    .option('--port <port>', 'port on 127.0.0.1; 0: a free one', port, 0)
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(page);
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
