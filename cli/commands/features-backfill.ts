import { Progress } from '../../setup/progress.mjs';
import { connect, type Stage } from '../connection.ts';
import { interruption } from '../interruption.ts';
import { runGlueJob } from '../jobs.ts';
import { readResources } from '../resources.ts';

/** `tidemark features backfill`: the archive first, since states are made of what is merged. */
export async function backfill({ stage }: { readonly stage: Stage }): Promise<void> {
  const { clients } = connect(stage);
  const resources = await readResources(clients.cloudformation, stage);
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
  console.log(`The deployed view is complete and serves. Next: npx tidemark train --stage ${stage}`);
}
