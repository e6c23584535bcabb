import { dirname, join } from 'node:path';
import { runChild } from '../children.ts';
import { ROOT } from '../paths.ts';
import type { Stage } from './connection.ts';

const CDK = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');
/** The account and region of the local cloud. */
const LOCAL_ENVIRONMENT = 'aws://000000000000/us-east-1';

export interface CdkRun {
  readonly stage: Stage;
  readonly usecase: string;
  /** Folder of the app that is synthesised. @default - this one */
  readonly root?: string;
  /** File of addresses of its sources, beside those of the stage's configuration. @default - those alone */
  readonly sources?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Folder of the cloud assembly; each run has its own, so that two never write into one. */
  readonly assembly: string;
  readonly log: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

function cdk(args: readonly string[], run: CdkRun, cwd = run.root ?? ROOT): Promise<void> {
  return runChild(process.execPath, [CDK, ...args], { ...run, cwd, env: { ...run.env, CI: 'true' } });
}

/** Makes the cloud assembly (templates and bundles). Asks no cloud, but the local stage wants to see that it has one. */
export function synthesise(run: CdkRun): Promise<void> {
  const context = ['--context', `stage=${run.stage}`, '--context', `usecase=${run.usecase}`];
  if (run.sources !== undefined) context.push('--context', `sources=${run.sources}`);
  return cdk(['synth', '--quiet', '--no-notices', ...context, '--output', run.assembly], run);
}

/** Makes what `cdk deploy` needs in the local account: the bucket of the assets. */
export function bootstrapLocal(run: CdkRun): Promise<void> {
  // Away from cdk.json: with it, bootstrap would synthesise the app first, only to ask it nothing.
  return cdk(['bootstrap', LOCAL_ENVIRONMENT, '--no-notices'], run, dirname(run.log));
}

/** Deploys all stacks of an assembly. */
export function deployAssembly(run: CdkRun): Promise<void> {
  const args = ['deploy', '--all', '--require-approval', 'never', '--no-notices', '--progress', 'events'];
  return cdk([...args, '--concurrency', '2', '--app', run.assembly], run);
}
