import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { UseCaseIR } from '../../../core/ir/document.ts';
import { loadUseCase } from '../../../lib/config/use-case.ts';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../../local/cloud.ts';
import type { Progress, ProgressStep } from '../../../setup/progress.mjs';
import { endChildren } from '../../children.ts';
import { RUNS } from '../../paths.ts';
import { type Connection, connectTo, type Stage } from '../../stage/connection.ts';
import { bootstrapLocal, deployAssembly, synthesise } from '../../stage/deployment.ts';
import { type Resources, readResources } from '../../stage/resources.ts';
import { type ReceivedMessage, SlackReceiver } from '../webhook/receiver.ts';
import { setSlackSecret } from '../webhook/secret.ts';
import { LakeReader } from './lake-reader.ts';

/** Folders of earlier runs that are kept for their logs. */
const KEPT_RUNS = 5;

export interface SessionOptions {
  /** @default 'local' */
  readonly stage?: Stage;
  readonly usecase: string;
  /** How the local cloud is started. */
  readonly cloud?: Pick<LocalCloudOptions, 'timeScale' | 'quotas'>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly onSlack?: (message: ReceivedMessage) => void;
  /**
   * Makes what stands around the app before it is deployed.
   * @returns a file of addresses of its sources, as a stage's configuration has them
   */
  readonly around?: (connection: Connection, folder: string) => Promise<string>;
}

/** Milliseconds by step. */
export type Timings = Record<string, number>;

/** A folder of its own for a run's logs; the oldest of earlier runs are removed. */
function runFolder(): string {
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
  readonly usecase: string;
  readonly cloud: LocalCloud;
  readonly connection: Connection;
  readonly slack: SlackReceiver;
  readonly ir: UseCaseIR;
  readonly timings: Timings;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  #resources: Resources | undefined;
  #deployments = 0;

  private constructor(
    parts: Pick<Session, 'folder' | 'usecase' | 'cloud' | 'slack' | 'ir' | 'timings' | 'signal'>,
    stage: Stage,
    progress: Progress,
  ) {
    this.folder = parts.folder;
    this.usecase = parts.usecase;
    this.cloud = parts.cloud;
    this.connection = connectTo(parts.cloud, stage);
    this.slack = parts.slack;
    this.ir = parts.ir;
    this.timings = parts.timings;
    this.signal = parts.signal;
    this.progress = progress;
  }

  /** Starts the cloud and deploys. `meanwhile` runs beside it. What was started is stopped again when a part fails. */
  static async start(
    options: SessionOptions,
    meanwhile: (folder: string, ir: UseCaseIR) => Promise<void>,
  ): Promise<Session> {
    const { stage = 'local', usecase, progress, signal } = options;
    const folder = runFolder();
    const timings: Timings = {};
    const { ir } = await loadUseCase(usecase, folder);
    let session: Session | undefined;
    const cloudUp = async () => {
      const cloud = await startLocalCloud({ ...options.cloud, log: join(folder, 'cloud.log'), quiet: true });
      const slack = await SlackReceiver.start(options.onSlack);
      session = new Session({ folder, usecase, cloud, slack, ir, timings, signal }, stage, progress);
      return session;
    };
    const deployed = async () => {
      const up = await timedStep(progress, timings, 'cloud', 'Start the local cloud', cloudUp);
      await up.deploy({ sources: await options.around?.(up.connection, folder) });
    };
    try {
      const results = await Promise.allSettled(
        [deployed(), meanwhile(folder, ir)].map((part) => part.catch(stopOthers)),
      );
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      if (!session) throw new Error('the local cloud is up, but there is no session');
      return session;
    } catch (error) {
      await endChildren();
      await session?.close();
      throw error;
    }
  }

  /**
   * Deploys a use case as it stands now with the real `cdk`, the first time into a bootstrapped account.
   * @param of another use case than the session's, which is deployed beside it; another folder than this one's app; a file of
   * its sources' addresses
   * @returns the names of what was deployed
   */
  async deploy({
    usecase = this.usecase,
    root,
    sources,
  }: {
    usecase?: string;
    root?: string;
    sources?: string | undefined;
  } = {}): Promise<Resources> {
    const { clients, env, stage } = this.connection;
    const number = ++this.#deployments;
    const log = (name: string) => join(this.folder, `${name}-${number}.log`);
    const run = {
      stage,
      usecase,
      root,
      sources,
      env,
      assembly: join(this.folder, `cdk.out-${number}`),
      signal: this.signal,
    };
    const step = (name: string) => (number === 1 ? name : `${name} ${number}`);
    await Promise.all([
      number === 1 &&
        this.timed('bootstrap', 'Bootstrap its account', () => bootstrapLocal({ ...run, log: log('bootstrap') })),
      this.timed(step('synth'), 'Synthesise the CDK app', () => synthesise({ ...run, log: log('synth') })),
    ]);
    await this.timed(step('deploy'), 'cdk deploy --all', ({ update }) =>
      deployAssembly({ ...run, log: log('deploy'), onLine: (line) => update(deployLine(line)) }),
    );
    const resources = await readResources(clients.cloudformation, { stage, usecase });
    if (!resources.withoutAlerts) {
      const { url, signingSecret: signing_secret } = this.slack;
      await setSlackSecret(clients.secrets, resources.get('slackSecret'), { url, signing_secret });
    }
    if (usecase === this.usecase) this.#resources = resources;
    return resources;
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
    return timedStep(this.progress, this.timings, name, title, work, summary);
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
