import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { loadStage } from '../../../lib/config/stages.ts';
import { loadDefinitions } from '../../definitions.ts';
import { STDIN, textOf } from '../../input/text.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import { apiAddress } from '../../stage/api-address.ts';
import { definitionsFolder, flagsOf, type Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { countKeys, keyIn, putKey, secretOf, secretsOf } from './keys.ts';
import { sourceLines } from './list.ts';
import { runImport } from './run.ts';

export function addSource(root: Command): void {
  const source = root.command('source').description('the systems that send facts to the deployment');
  source
    .command('ls')
    .description('list the sources: their ways, and the address of each or what it lacks')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((target: Target) => withStage(target, list));
  source
    .command('secret')
    .description(
      "put a key of an HTTP source, from standard input, into its secret: the provider's signing secret, or a key that you made up; the one before stays valid beside it",
    )
    .argument('<name>', 'the source')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((name: string, target: Target) => withStage(target, (stage) => secret(stage, name)));
  source
    .command('run')
    .description('import what is new of the table of a source now; the first time all that is there, as history')
    .argument('<name>', 'the source')
    .option('--again', 'all rows, whatever was imported before; what is known is not sent again')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((name: string, options: Target & { again?: boolean }) =>
      withStage(options, (stage) => runImport(stage, name, options.again === true)),
    );
}

async function list({ target, clients, resources, env }: OpenStage): Promise<void> {
  const { ir } = await loadDefinitions(definitionsFolder(resources, target.usecase));
  const { sources = [] } = ir;
  if (sources.length === 0) {
    console.log(`${resources.deployment} has no sources: its events come to the stream as they are.`);
    return;
  }
  const intake = resources.find('intakeUrl');
  const secrets = resources.find('sourceSecrets') === undefined ? {} : secretsOf(resources);
  const keys = await Promise.all(
    Object.entries(secrets).map(async ([name, arn]) => [name, await countKeys(clients.secrets, arn)] as const),
  );
  const known = {
    url: intake && apiAddress(intake, env),
    keys: Object.fromEntries(keys),
    configured: loadStage(target.stage).sources,
    flags: flagsOf(target),
  };
  for (const line of sourceLines(sources, known)) console.log(line);
}

/** Reads the key from standard input, so that no shell keeps it, and never prints it. */
async function secret({ clients, resources }: OpenStage, name: string): Promise<void> {
  const arn = secretOf(resources, name);
  if (process.stdin.isTTY) console.error('Paste the key, then Ctrl-D:');
  const key = keyIn(await text(textOf(STDIN)));
  const count = await putKey(clients.secrets, arn, key);
  const before = count > 1 ? ' The one before stays valid until the next.' : '';
  console.log(`Requests of ${name} are taken by this key at once.${before}`);
}
