import { spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type LocalCloudOptions, startLocalCloud } from '../../../local/cloud.ts';
import { CliError } from '../../errors.ts';
import { port } from '../../options.ts';
import { ROOT, RUNS } from '../../paths.ts';
import { connectTo } from '../../stage/connection.ts';
import { interruptible } from '../../stage/interruption.ts';
import { isAlive, readLocalState, removeLocalState, writeLocalState } from '../../stage/local-state.ts';
import { Resources, readDeployments } from '../../stage/resources.ts';
import { useJava } from '../../tools.ts';
import { SlackReceiver } from '../webhook/receiver.ts';

const LOG = join(RUNS, 'local.log');
const START_MS = 40_000;
const STOP_MS = 25_000;

interface StartOptions extends Required<Pick<LocalCloudOptions, 'port' | 'quotas' | 'timeScale'>> {
  readonly foreground?: boolean;
}

export function addLocal(root: Command): void {
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
}

function scale(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('allowed is more than 0, and at most 1.');
  return value;
}

/** Starts the cloud in this process, or in one of its own that lives on. */
async function startLocal({ foreground, ...options }: StartOptions): Promise<void> {
  const before = readLocalState();
  if (before) {
    console.log(
      `The local cloud already runs at ${before.cloud.endpoint} (since ${new Date(before.started).toISOString()}).`,
    );
    return;
  }
  mkdirSync(RUNS, { recursive: true });
  if (foreground) {
    useJava();
    return interruptible(({ requested }) => runForeground(options, requested));
  }
  const log = openSync(LOG, 'a', 0o600);
  const launcher = join(ROOT, 'cli', 'tidemark.mjs');
  const { port, quotas, timeScale } = options;
  const args = [
    ...[launcher, 'local', 'start', '--foreground', '--port', String(port)],
    ...['--quotas', quotas, '--time-scale', String(timeScale)],
  ];
  const child = spawn(process.execPath, args, { cwd: ROOT, detached: true, stdio: ['ignore', log, log] });
  child.unref();
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    const state = readLocalState();
    if (state) {
      console.log(`The local cloud runs at ${state.cloud.endpoint}. Next: npx tidemark deploy`);
      return;
    }
    await sleep(100);
  }
  if (child.pid !== undefined && isAlive(child.pid)) process.kill(child.pid, 'SIGTERM');
  throw new CliError(`The local cloud did not start; its log: ${LOG}`);
}

async function runForeground(options: Omit<StartOptions, 'foreground'>, stop: Promise<void>): Promise<void> {
  const cloud = await startLocalCloud({ ...options, quiet: true });
  const slack = await SlackReceiver.start(({ body }) => console.log(`Slack: ${body.text}`));
  try {
    const { endpoint, stateDir, env, clientConfig } = cloud;
    const started = Date.now();
    writeLocalState({
      pid: process.pid,
      started,
      log: LOG,
      slackUrl: slack.url,
      cloud: { endpoint, stateDir, env, clientConfig },
    });
    console.log(`The local cloud runs at ${endpoint}; Ctrl-C stops it.`);
    await stop;
  } finally {
    removeLocalState();
    await slack.close();
    await cloud.stop();
  }
}

/** Ends the background cloud and waits until it has gone. */
async function stopLocal(): Promise<void> {
  const state = readLocalState();
  if (!state) {
    console.log('The local cloud is not running.');
    return;
  }
  process.kill(state.pid, 'SIGTERM');
  const deadline = Date.now() + STOP_MS;
  while (isAlive(state.pid)) {
    if (Date.now() > deadline)
      throw new CliError(
        `The local cloud (process ${state.pid}) did not end within ${STOP_MS / 1000} s; its log: ${state.log}`,
      );
    await sleep(100);
  }
  console.log('The local cloud has stopped.');
}

/** Says whether the cloud runs and what is deployed in it. */
async function statusLocal(): Promise<void> {
  const state = readLocalState();
  if (!state) {
    console.log('The local cloud is not running. Start it with: npx tidemark local start');
    process.exitCode = 3;
    return;
  }
  console.log(
    `The local cloud runs at ${state.cloud.endpoint} (process ${state.pid}, since ${new Date(state.started).toISOString()}).`,
  );
  const deployments = await readDeployments(connectTo(state.cloud).clients.cloudformation, 'local');
  if (deployments.size === 0) console.log('Nothing is deployed. Next: npx tidemark deploy');
  for (const [name, stacks] of deployments) {
    const resources = new Resources('local', name, stacks);
    console.log(`Deployed: ${name}, stream ${resources.find('stream')}, dashboard ${resources.find('dashboard')}`);
  }
}
