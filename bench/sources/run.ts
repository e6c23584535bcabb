/** Part `sources`: signed requests through the deployed front door to features that can be read, in the local cloud. */
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteSecretCommand } from '@aws-sdk/client-secrets-manager';
import { Session } from '../../cli/commands/demo/session.ts';
import { putKey, secretOf } from '../../cli/commands/source/keys.ts';
import { apiAddress } from '../../cli/stage/api-address.ts';
import { compileUseCase } from '../../engine/use-case.ts';
import { DynamoStates } from '../../lambdas/aws/dynamo/states.ts';
import { sourcePath } from '../../names/sources.ts';
import { Progress } from '../../setup/progress.mjs';
import { type Row, row } from '../rows.ts';
import { percentile } from './percentile.ts';

const KEY = 'bench-key';
const SECONDS = 30;
/** Requests under way at once. */
const SENDERS = 8;
/** Events a request: a producer that batches. */
const BATCH = 20;
const POLL_MS = 50;

interface Sent {
  readonly customer: string;
  readonly at: number;
}

/**
 * Figures of the laptop, where Lambda, Kinesis and DynamoDB share its cores: ratios, not AWS's speed.
 * @param failingSeconds how long the other source fails. @default - as long as the first is measured alone
 */
export async function sourceRows(say: (text: string) => void, failingSeconds = SECONDS): Promise<Row[]> {
  const controller = new AbortController();
  const progress = new Progress(process.stderr);
  const session = await Session.start({ usecase: 'storefront', progress, signal: controller.signal }, async () => {});
  try {
    const { clients } = session.connection;
    for (const source of ['shop', 'site']) await putKey(clients.secrets, secretOf(session.resources, source), KEY);
    // The first requests start functions.
    say('warming up');
    await load(session, 'w');
    say('alone');
    const alone = await load(session, 'a');
    // Its own function answers 503 from now on, and is asked as often as the other one.
    await clients.secrets.send(
      new DeleteSecretCommand({ SecretId: secretOf(session.resources, 'site'), ForceDeleteWithoutRecovery: true }),
    );
    say('beside a source that fails');
    const failing = hammer(session);
    const beside = await load(session, 'b', failingSeconds);
    const failures = await failing.stop();
    return [
      row('webhook → readable feature: events', alone.perSecond, 'events/s', null, {
        'beside a failing source': beside.perSecond,
      }),
      row('webhook → readable feature: p50', alone.p50, 'ms', null, { 'beside a failing source': beside.p50 }),
      row('webhook → readable feature: p99', alone.p99, 'ms', null, { 'beside a failing source': beside.p99 }),
      row('requests that the failing source refused', failures, '', null),
    ];
  } finally {
    await session.close();
  }
}

interface Loaded {
  readonly perSecond: number;
  /** ms from the request to the state that holds its event. */
  readonly p50: number;
  readonly p99: number;
}

async function load(session: Session, run: string, seconds = SECONDS): Promise<Loaded> {
  const url = addressOf(session, 'shop');
  const until = Date.now() + seconds * 1000;
  const began = Date.now();
  let sent = 0;
  let n = 0;
  const probes: Sent[] = [];
  const latencies: number[] = [];
  const watching = watch(session, probes, latencies, () => Date.now() < until + 30_000);
  const sender = async () => {
    while (Date.now() < until) {
      const at = new Date().toISOString();
      const customers = Array.from({ length: BATCH }, () => `${run}-${n++}`);
      for (const customer of customers) {
        const body = JSON.stringify({ id: customer, type: 'order', customer, at, total: '9.99' });
        const answer = await fetch(url, { method: 'POST', body, headers: signed(body) });
        await answer.arrayBuffer();
        if (answer.ok) sent += 1;
      }
      probes.push({ customer: customers[0]!, at: Date.parse(at) });
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  const perSecond = (sent * 1000) / (Date.now() - began);
  await watching;
  return { perSecond, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
}

/** Reads the probes' states until each is there. */
async function watch(
  session: Session,
  probes: readonly Sent[],
  latencies: number[],
  goesOn: () => boolean,
): Promise<void> {
  const { plan } = compileUseCase(session.ir);
  const states = new DynamoStates(session.connection.clients.dynamodb, session.resources.get('featuresTable'), plan);
  let open = 0;
  while (goesOn()) {
    const known = probes.length;
    const waiting = probes.slice(open, Math.min(known, open + 100));
    if (waiting.length === 0) {
      await sleep(POLL_MS);
      continue;
    }
    const found = await states.read(waiting.map(({ customer }) => customer));
    for (const { customer, at } of waiting) {
      if (!found.has(customer)) break;
      latencies.push(Date.now() - at);
      open += 1;
    }
    await sleep(POLL_MS);
  }
}

function hammer(session: Session): { stop(): Promise<number> } {
  const url = addressOf(session, 'site');
  let stopped = false;
  let refused = 0;
  const working = (async () => {
    while (!stopped) {
      const answer = await fetch(url, { method: 'POST', body: '{}', headers: { authorization: `Bearer ${KEY}` } });
      await answer.arrayBuffer();
      if (answer.status >= 500) refused += 1;
    }
    return refused;
  })();
  return {
    stop: () => {
      stopped = true;
      return working;
    },
  };
}

const addressOf = ({ resources, connection }: Session, source: string) =>
  `${apiAddress(resources.get('intakeUrl'), connection.env)}${sourcePath(source)}`;

function signed(body: string): Record<string, string> {
  const t = String(Math.floor(Date.now() / 1000));
  const mac = createHmac('sha256', KEY).update(`${t}.${body}`).digest('hex');
  return { 'x-signature': mac, 'x-timestamp': t, 'content-type': 'application/json' };
}
