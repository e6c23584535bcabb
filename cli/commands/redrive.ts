import { Progress } from '../../setup/progress.mjs';
import { deadLetterQueues } from '../dead-letters/queues.ts';
import { redrive, waiting } from '../dead-letters/redrive.ts';
import { CliError } from '../errors.ts';
import { interruption } from '../interruption.ts';
import { deployed, type Target } from '../resources.ts';

interface RedriveOptions extends Target {
  readonly list?: boolean;
}

/** `tidemark redrive`: exit code 1 when a message failed again. */
export async function redriveDeadLetters({ list, ...target }: RedriveOptions): Promise<void> {
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
  if (list || filled.length === 0) return;
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
