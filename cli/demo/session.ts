import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { UseCaseIR } from '../../core/ir.ts';
import { loadUseCase } from '../../lib/config/use-case.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import type { Progress, ProgressStep } from '../../setup/progress.mjs';
import { endChildren } from '../children.ts';
import { type Connection, connectTo } from '../connection.ts';
import { bootstrapLocal, deployAssembly, synthesise } from '../deployment.ts';
import { RUNS } from '../paths.ts';
import { type Resources, readResources } from '../resources.ts';
import { type ReceivedMessage, SlackReceiver } from '../slack-receiver.ts';
import { setSlackUrl } from '../slack-secret.ts';
import { LakeReader } from './lake-reader.ts';

/** Folders of earlier runs that are kept for their logs. */
const KEPT_RUNS = 5;

export interface SessionOptions {
  readonly usecase: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly onSlack?: (message: ReceivedMessage) => void;
}

/** Milliseconds by step. */
export type Timings = Record<string, number>;

/** A folder of its own for a run's logs; the oldest of earlier runs are removed. */
export function runFolder(): string {
  const runs = join(RUNS, 'runs');
  mkdirSync(runs, { recursive: true });
  const before = readdirSync(runs).sort();
  for (const name of before.slice(0, Math.max(0, before.length - KEPT_RUNS + 1))) {
    rmSync(join(runs, name), { recursive: true, force: true });
  }
  const folder = join(runs, `${new Date().toISOString().replace(/[:.]/g, '-')}-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * The local cloud with the app deployed in it by the real `cdk deploy`, and a Slack to tell. Shared by the demo and the
 * end-to-end test.
 */
export class Session {
  readonly folder: string;
  readonly cloud: LocalCloud;
  readonly connection: Connection;
  readonly slack: SlackReceiver;
  readonly ir: UseCaseIR;
  readonly timings: Timings;
  readonly signal: AbortSignal;
  readonly #progress: Progress;
  #resources: Resources | undefined;

  private constructor(
    parts: Pick<Session, 'folder' | 'cloud' | 'slack' | 'ir' | 'timings' | 'signal'>,
    progress: Progress,
  ) {
    this.folder = parts.folder;
    this.cloud = parts.cloud;
    this.connection = connectTo(parts.cloud);
    this.slack = parts.slack;
    this.ir = parts.ir;
    this.timings = parts.timings;
    this.signal = parts.signal;
    this.#progress = progress;
  }

  /** Starts the cloud and deploys. `meanwhile` runs beside it. What was started is stopped again when a part fails. */
  static async start(
    options: SessionOptions,
    meanwhile: (folder: string, ir: UseCaseIR) => Promise<void>,
  ): Promise<Session> {
    const { usecase, progress, signal } = options;
    const folder = runFolder();
    const timings: Timings = {};
    const { ir } = await loadUseCase(usecase, folder);
    const run = { stage: 'local', usecase, assembly: join(folder, 'cdk.out'), signal } as const;
    let session: Session | undefined;
    const cloudUp = async () => {
      const cloud = await startLocalCloud({ log: join(folder, 'cloud.log'), quiet: true });
      const slack = await SlackReceiver.start(options.onSlack);
      session = new Session({ folder, cloud, slack, ir, timings, signal }, progress);
      return session;
    };
    const timed = <T>(name: string, title: string, work: (step: ProgressStep) => Promise<T>) =>
      timedStep(progress, timings, name, title, work);
    const deployed = async () => {
      const { env } = (await timed('cloud', 'Start the local cloud', cloudUp)).connection;
      await Promise.all([
        timed('bootstrap', 'Bootstrap its account', () =>
          bootstrapLocal({ ...run, env, log: join(folder, 'bootstrap.log') }),
        ),
        timed('synth', 'Synthesise the CDK app', () => synthesise({ ...run, env, log: join(folder, 'synth.log') })),
      ]);
      await timed('deploy', 'cdk deploy --all', (step) =>
        deployAssembly({
          ...run,
          env,
          log: join(folder, 'deploy.log'),
          onLine: (line) => step.update(deployLine(line)),
        }),
      );
    };
    try {
      const results = await Promise.allSettled(
        [deployed(), meanwhile(folder, ir)].map((part) => part.catch(stopOthers)),
      );
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      if (!session) throw new Error('the local cloud is up, but there is no session');
      await session.#afterDeployment();
      return session;
    } catch (error) {
      await endChildren();
      await session?.close();
      throw error;
    }
  }

  async #afterDeployment(): Promise<void> {
    const { clients } = this.connection;
    this.#resources = await readResources(clients.cloudformation, { stage: 'local' });
    await setSlackUrl(clients.secrets, this.#resources.get('slackSecret'), this.slack.url);
  }

  /** Names of what is deployed. */
  get resources(): Resources {
    if (!this.#resources) throw new Error('the app is not deployed yet');
    return this.#resources;
  }

  get lake(): LakeReader {
    return new LakeReader(this.connection.clients.s3, this.resources.get('lakeBucket'));
  }

  /** Runs a step with progress and keeps its time. */
  timed<T>(
    name: string,
    title: string,
    work: (step: ProgressStep) => Promise<T>,
    summary?: (result: T) => string,
  ): Promise<T> {
    return timedStep(this.#progress, this.timings, name, title, work, summary);
  }

  /** Stops everything that was started; nothing is left. */
  async close(): Promise<void> {
    await endChildren();
    await this.slack.close();
    await this.cloud.stop();
  }
}

/** One failed: what runs beside it has no purpose any more. */
async function stopOthers(error: unknown): Promise<never> {
  await endChildren();
  throw error;
}

async function timedStep<T>(
  progress: Progress,
  timings: Timings,
  name: string,
  title: string,
  work: (step: ProgressStep) => Promise<T>,
  summary?: (result: T) => string,
): Promise<T> {
  const from = Date.now();
  try {
    return await progress.step(title, work, summary);
  } finally {
    timings[name] = Date.now() - from;
  }
}

/** Of CDK's line "stack | 12/80 | 08:15:01 | CREATE_COMPLETE | AWS::S3::Bucket | …" the part that says how far it is. */
function deployLine(line: string): string {
  const [stack, count, , state, type] = line.split('|').map((part) => part.trim());
  return count && /^\d+\/\d+$/.test(count) ? `${stack} ${count} ${type} ${state}` : line.trim().slice(0, 90);
}
