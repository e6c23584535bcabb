/** `npm run demo -- --sources`: one event of every source becomes a feature of the same customer. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { SourceSample } from '../../../../core/definition/define.ts';
import { vectorsOf } from '../../../../engine/score/vectors.ts';
import { compileUseCase } from '../../../../engine/use-case.ts';
import { DynamoStates } from '../../../../lambdas/aws/dynamo/states.ts';
import { useCaseFolder } from '../../../../lib/config/use-case.ts';
import { Progress } from '../../../../setup/progress.mjs';
import { messageOf } from '../../../errors.ts';
import { interruption } from '../../../stage/interruption.ts';
import { OpenStage } from '../../../stage/stage.ts';
import { useJava } from '../../../tools.ts';
import { openPage } from '../../page/command.ts';
import { putKey, secretsOf } from '../../source/keys.ts';
import { runImport } from '../../source/run.ts';
import { Session } from '../session.ts';
import { KEY, send } from './send.ts';
import { Surroundings } from './surroundings.ts';

const USE_CASE = 'storefront';
const CUSTOMER = 'c-1001';
/** From the sending to the feature; a Spark job is part of some ways. */
const WAIT_MS = 120_000;
const POLL_MS = 500;

interface Arrived {
  readonly sample: SourceSample;
  /** From the sending until the feature counted it; null: it did not. */
  readonly ms: number | null;
  readonly problem?: string;
}

/** @returns the exit code: 0 only when every sample became a feature, each once */
export async function runSources({ wait }: { readonly wait: boolean }): Promise<number> {
  useJava();
  const stop = interruption();
  const progress = new Progress();
  const folder = useCaseFolder(USE_CASE);
  const { default: samplesAt } = (await import(pathToFileURL(join(folder, 'samples.ts')).href)) as {
    default: (customer: string, now: number) => SourceSample[];
  };
  let session: Session | undefined;
  let surroundings: Surroundings | undefined;
  let page: Awaited<ReturnType<typeof openPage>> | undefined;
  try {
    session = await Session.start(
      {
        usecase: USE_CASE,
        progress,
        signal: stop.signal,
        around: async (connection, runFolder) => {
          surroundings = await Surroundings.start(connection, progress);
          return surroundings.addresses(runFolder);
        },
      },
      async () => {},
    );
    const around = surroundings!;
    const { clients } = session.connection;
    for (const secret of Object.values(secretsOf(session.resources))) await putKey(clients.secrets, secret, KEY);
    const arrived = await sendAll(session, around, samplesAt);
    page = await openPage(clients, session.resources, session.ir);
    report(arrived);
    if (wait) {
      console.log(`\nThe page: ${page.url} (Ctrl-C stops everything)`);
      await stop.requested;
    }
    return arrived.every(({ ms }) => ms !== null) ? 0 : 1;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    throw error;
  } finally {
    await page?.close();
    await session?.close();
    await surroundings?.close();
    stop.release();
    if (stop.signal.aborted) console.log('Stopped: nothing is left running.');
  }
}

/** One after the other, so that the time of each is its own. */
async function sendAll(
  session: Session,
  surroundings: Surroundings,
  samplesAt: (customer: string, now: number) => SourceSample[],
): Promise<Arrived[]> {
  const { connection, resources, ir } = session;
  const { clients, stage } = connection;
  const usecase = compileUseCase(ir);
  const states = new DynamoStates(clients.dynamodb, resources.get('featuresTable'), usecase.plan);
  const read = async () => {
    const stored = await states.read([CUSTOMER]);
    const aside = { damaged: new Set<string>(), unreadable: () => {} };
    const [vector] = vectorsOf(usecase, [CUSTOMER], stored, Date.now(), aside);
    return vector!.answer.features ?? {};
  };
  const open = new OpenStage({ stage, usecase: USE_CASE }, { ...connection, resources }, session.progress);
  const samples = samplesAt(CUSTOMER, Date.now());
  const imported = samples.filter(({ via }) => via === 'table' || via === 'jdbc');
  // What is there the first time is history: of another customer.
  for (const { source } of imported) await runImport(open, source, false);
  const arrived: Arrived[] = [];
  for (const sample of samples) {
    const title = `${sample.source} by ${sample.via}: ${sample.kind}`;
    arrived.push(
      await session.progress.step(
        title,
        async () => {
          const began = Date.now();
          try {
            const { sources = [] } = ir;
            await send(sample, { clients, resources, surroundings, sources, env: connection.env, now: Date.now() });
            if (imported.includes(sample)) await runImport(open, sample.source, false);
            const ms = await counted(read, sample, began, session.signal);
            return ms === null ? { sample, ms, problem: `${sample.feature} did not become 1` } : { sample, ms };
          } catch (error) {
            return { sample, ms: null, problem: messageOf(error) };
          }
        },
        ({ ms, problem }) => problem ?? `${sample.feature} = 1 after ${(ms! / 1000).toFixed(1)} s`,
      ),
    );
  }
  return arrived;
}

/** @returns when the feature was 1, ms after `began`; null when it was not, or more */
async function counted(
  read: () => Promise<Readonly<Record<string, unknown>>>,
  { feature }: SourceSample,
  began: number,
  signal: AbortSignal,
): Promise<number | null> {
  while (Date.now() - began < WAIT_MS) {
    const value = (await read())[feature];
    if (value === 1) return Date.now() - began;
    if (typeof value === 'number' && value > 1) return null;
    await sleep(POLL_MS, undefined, { signal });
  }
  return null;
}

function report(arrived: readonly Arrived[]): void {
  const rows = arrived.map(({ sample: { source, via, kind, feature }, ms, problem }) => [
    source,
    via,
    kind,
    feature,
    ms === null ? `✗ ${problem}` : `✓ ${(ms / 1000).toFixed(1)} s`,
  ]);
  const table = [['source', 'by', 'sent', 'feature', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  console.log(`\nOne event of every source, as features of the customer ${CUSTOMER}:\n`);
  for (const row of table) console.log(`  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`);
}
