import { type Command, Option } from 'commander';
import { type InitOptions, init } from './init.ts';
import { BY_CONTENT, DATE_ORDERS } from './roles.ts';

export function addInit(root: Command): void {
  root
    .command('init')
    .description('write a use case from a file of your own data: contract, features, label and model, to be edited')
    .argument('<name>', 'of its folder under usecases/, such as my-case')
    .requiredOption('--from <files...>', 'CSV, JSON or Parquet, plain or packed by gzip: files, folders or patterns')
    .option('--entity <column>', 'whom a row is about, such as customer_id (default: asked, else guessed)')
    .option('--time <column>', 'when it happened (default: asked, else guessed)')
    .option(
      '--id <columns>',
      `what tells a row from every other, several with commas; ${BY_CONTENT}: its content (default: asked, else guessed)`,
    )
    .option(
      '--time-zone <zone>',
      'where times without a zone are at home, such as Europe/London or UTC (default: asked)',
    )
    .addOption(
      new Option('--dates <order>', 'what 03/04/2026 is: April or March (default: asked)').choices(DATE_ORDERS),
    )
    .option('--type <name>', 'what a row is called, such as order (default: after the file)')
    .option('--name <name>', "the use case's own name (default: after its folder)")
    .option('--out <folder>', 'another place than usecases/')
    .addHelpText('after', HELP)
    .action((name: string, options: InitOptions) => init(name, options));
}

const HELP = `
All rows are read: types, ranges, categories, what is missing, and how times are written. What can't be seen is asked on a terminal;
elsewhere options say it, or a sentence which is needed. Then all rows are tried on what was written: README.md names those that it
refuses, and the first vectors are printed, by the engine that serves them.

Columns that look personal (email, phone, name) are left out. Columns of ids stay texts. Objects within JSON and Parquet become columns
(address.city), lists don't. A column is named as the file has it, or by its JSON pointer (/address/city).

  npx tidemark init my-case --from orders.csv
  npx tidemark init my-case --from orders/ --entity customer_id --time ordered_at --time-zone Europe/London --id order_id,line`;
