import { Progress } from '../../setup/progress.mjs';
import { interruption } from '../interruption.ts';
import { runGlueJob } from '../jobs.ts';
import { deployed, flagsOf, type Target } from '../resources.ts';

/** `tidemark features backfill`: the archive first, since states are made of what is merged. */
export async function backfill(target: Target): Promise<void> {
  const { clients, resources } = await deployed(target);
  const stop = interruption();
  const progress = new Progress();
  for (const [title, job] of [
    ['Compact the archive (Glue)', 'compactArchiveJob'],
    ['Fill the online states (Glue)', 'backfillStatesJob'],
  ] as const) {
    await progress.step(title, (step) =>
      runGlueJob(clients, resources.get(job), {}, { signal: stop.signal, onState: step.update }),
    );
  }
  stop.release();
  console.log(`The deployed view is complete and serves. Next: npx tidemark train ${flagsOf(target)}`);
}
