import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { runAttached } from '../../../setup/processes.mjs';
import { Progress } from '../../../setup/progress.mjs';
import { loadDefinitions } from '../../definitions.ts';
import { CliError } from '../../errors.ts';
import { definitionsOption, stageOption } from '../../options.ts';
import { ROOT, RUNS } from '../../paths.ts';
import { connect, type Stage } from '../../stage/connection.ts';
import { bootstrapLocal, deployAssembly, synthesise } from '../../stage/deployment.ts';
import { interruptible } from '../../stage/interruption.ts';
import { readLocalState } from '../../stage/local-state.ts';
import { readResources } from '../../stage/resources.ts';
import { setSlackSecret } from '../webhook/secret.ts';

export function addDeploy(root: Command): void {
  root
    .command('deploy')
    .description('deploy the app with cdk: into the local cloud, or into your AWS account')
    .option('--yes', 'do not ask before permissions change')
    .option('--sources <file>', 'JSON of where sources are read, beside what the configuration of the stage says')
    .addOption(stageOption())
    .addOption(definitionsOption())
    .action(deploy);
}

interface DeployOptions {
  readonly stage: Stage;
  readonly usecase: string;
  readonly yes?: boolean;
  readonly sources?: string;
}

/** Locally: bootstrap and deploy without questions. In AWS: `cdk deploy` itself, with its questions. */
async function deploy({ stage, usecase, yes = false, sources }: DeployOptions): Promise<void> {
  if (stage === 'local') await interruptible(({ signal }) => deployLocally(usecase, sources, signal));
  else await deployToAws(stage, usecase, sources, yes);
}

async function deployToAws(stage: Stage, usecase: string, sources: string | undefined, yes: boolean): Promise<void> {
  const cdk = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const args = [cdk, 'deploy', '--all', '--context', `stage=${stage}`, '--context', `usecase=${usecase}`];
  if (sources !== undefined) args.push('--context', `sources=${sources}`);
  if (yes) args.push('--require-approval', 'never');
  const { code } = await runAttached(process.execPath, args, { cwd: ROOT, env: process.env });
  if (code !== 0) throw new CliError(`cdk deploy ended with code ${code}.`, code ?? 1);
  const { ir } = await loadDefinitions(usecase);
  const webhook = ir.alerts ? `npx tidemark webhook --stage ${stage}, then ` : '';
  console.log(`Deployed. Next: ${webhook}npx tidemark doctor --stage ${stage}`);
}

async function deployLocally(usecase: string, sources: string | undefined, signal: AbortSignal): Promise<void> {
  const stage = 'local';
  const { clients, env } = connect(stage);
  const progress = new Progress();
  mkdirSync(RUNS, { recursive: true });
  const run = {
    stage,
    usecase,
    sources,
    env,
    assembly: join(RUNS, 'cdk.out'),
    log: join(RUNS, 'deploy.log'),
    signal,
  } as const;
  await Promise.all([
    progress.step('Bootstrap the local account', () => bootstrapLocal(run)),
    progress.step('Synthesise the app', () => synthesise(run)),
  ]);
  await progress.step('Deploy with cdk', (step) =>
    deployAssembly({ ...run, onLine: (line) => step.update(line.slice(0, 100)) }),
  );
  const resources = await readResources(clients.cloudformation, { stage, usecase });
  const slackUrl = readLocalState()?.slackUrl;
  if (slackUrl && !resources.withoutAlerts)
    await setSlackSecret(clients.secrets, resources.get('slackSecret'), { url: slackUrl });
  console.log(
    `Deployed. Stream: ${resources.get('stream')}. Next: npx tidemark put --file <events.ndjson>, or npx tidemark page`,
  );
}
