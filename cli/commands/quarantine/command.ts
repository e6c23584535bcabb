import { type Command, InvalidArgumentError, Option } from 'commander';
import { positive } from '../../options.ts';
import { withStage } from '../../stage/stage.ts';
import { list, show } from './look.ts';
import { type FilterOptions, filtered } from './options.ts';
import { type RedriveOptions, redriveQuarantine } from './redrive.ts';
import { stats } from './stats.ts';

const SHOWN_LINES = 100;

/** Adds `tidemark quarantine …`. */
export function addQuarantine(root: Command): void {
  const quarantine = root
    .command('quarantine')
    .description('what contracts and sources refused: look at it, and bring it in after a fix')
    .addHelpText('after', HELP);
  filtered(quarantine.command('ls'))
    .description('list refused records that were not put back: where, when, why, whose')
    .option('--all', 'also what was put back')
    .addOption(new Option('--limit <n>', 'lines at most').argParser(count).default(SHOWN_LINES))
    // The answer alone goes to standard output.
    .action((options: Parameters<typeof list>[1]) =>
      withStage(options, (stage) => list(stage, options), process.stderr),
    );
  filtered(quarantine.command('show'))
    .description('show one refused record: the names and types in it, and how it differs from its contract')
    .argument('<position>', 'as ls shows it')
    .option('--raw', 'print the record itself, which may be personal data')
    .action((position: string, options: Parameters<typeof show>[2]) =>
      withStage(options, (stage) => show(stage, position, options), process.stderr),
    );
  filtered(quarantine.command('stats'))
    .description('count refused records by day, source and reason, and list how fields changed')
    .action((options: FilterOptions) => withStage(options, (stage) => stats(stage, options), process.stderr));
  filtered(quarantine.command('redrive'))
    .description('put back what the deployed contracts admit by now, each record once')
    .option('--dry-run', 'only say what would be put back, and what would be refused again')
    .option('--rate <n>', 'records a second (default: as fast as the stream takes them)', positive)
    .option('--limit <n>', 'records at most', count)
    .option('--batches', 'also batches of the streams that were given up since then, as `tidemark redrive --since`')
    .option('--dead-letters', 'also all dead letters, as `tidemark redrive`')
    .action((options: RedriveOptions) =>
      withStage(options, (stage) => redriveQuarantine(stage, options), options.json ? process.stderr : undefined),
    );
}

const HELP = `
A record that is put back is marked, so that a second run has nothing of it to do; one that is interrupted may put some back
again, and each event is counted once by its id. Copies of counted events (DUPLICATE_EVENT_ID) stay where they are. What the
intake of a source refused is given to its function again.

Exit codes of redrive: 0 all that was chosen is in, 3 some is refused still, 1 something failed.

  npx tidemark quarantine stats --since 30d
  npx tidemark quarantine redrive --reason NOT_IN_ENUM --source shop --dry-run`;

function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('allowed is a whole number above 0.');
  return Number(text);
}
