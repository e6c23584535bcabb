import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../../core/values/time.ts';
import { CliError } from '../../errors.ts';
import { parseInstant } from '../../instant.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import { flagsOf, type Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
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

export function addRedrive(root: Command): void {
  root
    .command('redrive')
    .description(
      'send dead letters again to whom they were for, or with --since what the streams gave up; delete what was taken',
    )
    .option('--list', 'only say how many wait in each queue')
    .option(
      '--since <time>',
      'batches of the streams that were given up since then: 7d, 2026-11-20, an ISO time with a zone',
      sinceOf,
    )
    .option('--dry-run', 'only say what would be put back')
    .option('--close-gaps', 'count what is missing in the archive and cannot be put back as archived')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action(redriveEither);
}

/** Exit code 1 when something failed again. */
async function redriveEither({ since, ...options }: RedriveOptions): Promise<void> {
  if (since === undefined && options.closeGaps)
    throw new CliError('--close-gaps goes with --since, which says what is put back before.');
  await withStage(options, (stage) =>
    since === undefined ? redriveDeadLetters(stage, options) : redriveBatches(stage, { ...options, since }),
  );
}

/** @throws InvalidArgumentError */
export function sinceOf(text: string): number {
  const value = parseSince(text, Date.now());
  if (value === null)
    throw new InvalidArgumentError(
      'allowed is a duration such as 7d, a day such as 2026-11-20, or an ISO time with a zone.',
    );
  return value;
}

/** `7d`, `90m` (before `now`), a day, or an instant with its zone. @returns ms UTC, null for anything else */
export function parseSince(text: string, now: number): number | null {
  try {
    return now - parseDuration(text, '--since');
  } catch {
    return parseInstant(text);
  }
}

/** All dead-letter queues. @throws CliError when something failed again */
export async function redriveDeadLetters(
  stage: OpenStage,
  { list, dryRun }: Pick<RedriveOptions, 'list' | 'dryRun'>,
): Promise<void> {
  const { clients, resources } = stage;
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
  const problems: string[] = [];
  for (const { queue } of filled) {
    const { failed } = await stage.step(
      `Send the messages of ${queue.name} again`,
      (watch) => redrive(clients, queue, watch),
      ({ sent, failed }) => `${sent} sent, ${failed.length} failed again`,
    );
    for (const why of new Set(failed)) problems.push(`${queue.name}: ${why}`);
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

/** Batches of the streams that Lambda gave up and kept in the lake. @throws CliError when some are still there */
export async function redriveBatches(
  stage: OpenStage,
  options: RedriveOptions & { readonly since: number },
): Promise<void> {
  const { clients, resources, progress, target } = stage;
  const { since, list, dryRun, closeGaps } = options;
  const lake = { bucket: resources.get('lakeBucket'), stream: resources.get('stream') };
  const { batches, unreadable } = await progress.step(
    'Look for batches that were given up',
    ({ update }) => givenUpSince(clients.s3, lake.bucket, since, (seen) => update(`${seen} batches`)),
    (found) => `${found.batches.length} batches`,
  );
  const problems = unreadable.map((key) => `${key}: found no record of a batch that Lambda gave up`);
  for (const some of await byReader(clients, resources, batches)) {
    const records = some.batches.reduce((sum, { size }) => sum + size, 0);
    console.log(`${some.reader}: ${some.batches.length} batches, ${records} records, ${WHAT[some.reader]}`);
    if (list || dryRun || some.reader === 'scorer' || some.reader === 'unknown') continue;
    const { failed } = await stage.step(
      `Put back what the ${some.reader} gave up`,
      (watch) => putBack(clients, lake, some, watch),
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
  if (problems.length > 0)
    throw new CliError(
      `Some batches are still there:\n${problems.join('\n')}\nPut the cause right and run this again; runbook: docs/runbook.md#batches-given-up`,
    );
  if (batches.length > 0 && !list && !dryRun)
    console.log(
      `The next compaction merges what was archived. Then compare and mend all states: npx tidemark heal --repair-all ${flagsOf(target)}`,
    );
}
