import { parseDuration } from '../../../core/values/time.ts';
import { Progress } from '../../../setup/progress.mjs';
import { CliError } from '../../errors.ts';
import { parseInstant } from '../../instant.ts';
import { interruption } from '../../stage/interruption.ts';
import { deployed, flagsOf, type Target } from '../../stage/resources.ts';
import { givenUpSince } from './batches.ts';
import { redrive, waiting } from './dead-letters.ts';
import { closeGap, gapsOf } from './gaps.ts';
import { byReader, putBack } from './given-up.ts';
import { deadLetterQueues } from './queues.ts';

interface RedriveOptions extends Target {
  readonly list?: boolean;
  /** ms UTC. @default - dead letters, not batches of the streams */
  readonly since?: number;
  readonly dryRun?: boolean;
  readonly closeGaps?: boolean;
}

/** `tidemark redrive`: exit code 1 when something failed again. */
export async function redriveCommand({ since, ...options }: RedriveOptions): Promise<void> {
  if (since !== undefined) return redriveBatches({ ...options, since });
  if (options.closeGaps) throw new CliError('--close-gaps goes with --since, which says what is put back before.');
  return redriveDeadLetters(options);
}

/** `7d`, `90m` (before `now`), a day, or an instant with its zone. @returns ms UTC, null for anything else */
export function parseSince(text: string, now: number): number | null {
  try {
    return now - parseDuration(text, '--since');
  } catch {
    return parseInstant(text);
  }
}

async function redriveDeadLetters({ list, dryRun, ...target }: Omit<RedriveOptions, 'since'>): Promise<void> {
  const { clients, resources } = await deployed(target);
  const queues = await Promise.all(
    (await deadLetterQueues(clients, resources)).map(async (queue) => ({
      queue,
      count: await waiting(clients, queue),
    })),
  );
  const width = Math.max(0, ...queues.map(({ queue }) => queue.name.length));
  for (const { queue, count } of queues)
    console.log(`${queue.name.padEnd(width)}  ${String(count).padStart(6)}  for the ${queue.receiver.kind}`);
  const filled = queues.filter(({ count }) => count > 0);
  if (list || dryRun || filled.length === 0) return;
  const stop = interruption();
  const problems: string[] = [];
  try {
    for (const { queue } of filled) {
      const { failed } = await new Progress().step(
        `Send the messages of ${queue.name} again`,
        (step) => redrive(clients, queue, { signal: stop.signal, onState: step.update }),
        ({ sent, failed }) => `${sent} sent, ${failed.length} failed again`,
      );
      for (const why of new Set(failed)) problems.push(`${queue.name}: ${why}`);
    }
  } finally {
    stop.release();
  }
  if (problems.length > 0)
    throw new CliError(
      `Some messages failed again and are still there:\n${problems.join('\n')}\nPut the cause right and run this again; runbook: docs/runbook.md#dead-letters`,
    );
}

const WHAT = {
  archiver: 'written to the archive at their old positions',
  processor: 'put into the stream again',
  publisher: 'handed to the publisher again',
  scorer: 'left: the sweep has scored these customers since',
  unknown: 'left: no function of this deployment gave them up',
} as const;

/** Batches of the streams that Lambda gave up and kept in the lake. */
async function redriveBatches(options: RedriveOptions & { readonly since: number }): Promise<void> {
  const { since, list, dryRun, closeGaps, ...target } = options;
  const { clients, resources } = await deployed(target);
  const lake = { bucket: resources.get('lakeBucket'), stream: resources.get('stream') };
  const progress = new Progress();
  const { batches, unreadable } = await progress.step(
    'Look for batches that were given up',
    ({ update }) => givenUpSince(clients.s3, lake.bucket, since, (seen) => update(`${seen} batches`)),
    (found) => `${found.batches.length} batches`,
  );
  const problems = unreadable.map((key) => `${key}: found no record of a batch that Lambda gave up`);
  const stop = interruption();
  try {
    for (const some of await byReader(clients, resources, batches)) {
      const records = some.batches.reduce((sum, { size }) => sum + size, 0);
      console.log(`${some.reader}: ${some.batches.length} batches, ${records} records, ${WHAT[some.reader]}`);
      if (list || dryRun || some.reader === 'scorer' || some.reader === 'unknown') continue;
      const { failed } = await progress.step(
        `Put back what the ${some.reader} gave up`,
        ({ update }) => putBack(clients, lake, some, { signal: stop.signal, onState: update }),
        (done) => `${done.batches} batches, ${done.records} records`,
      );
      problems.push(...failed);
    }
    const gaps = (await gapsOf(clients.s3, lake.bucket)).filter(({ recoverable }) => !recoverable);
    const open = gaps.length === 0 ? '' : `${gaps.length} gaps of the archive whose batches are gone`;
    if (open) console.log(closeGaps && !dryRun && !list ? `${open}: closed` : `${open}: close them with --close-gaps`);
    if (closeGaps && !dryRun && !list)
      for (const gap of gaps)
        await closeGap(clients.s3, lake.bucket, { ...gap, arrival_ms: Date.parse(`${gap.day}T00:00:00Z`) });
  } finally {
    stop.release();
  }
  if (problems.length > 0)
    throw new CliError(
      `Some batches are still there:\n${problems.join('\n')}\nPut the cause right and run this again; runbook: docs/runbook.md#batches-given-up`,
    );
  if (batches.length > 0 && !list && !dryRun)
    console.log(
      `The next compaction merges what was archived. Then compare and mend all states: npx tidemark heal --repair-all ${flagsOf(target)}`,
    );
}
