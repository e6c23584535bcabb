import { runGlueJob } from '../../stage/jobs.ts';
import { flagsOf } from '../../stage/resources.ts';
import type { OpenStage } from '../../stage/stage.ts';

/** `tidemark features backfill` */
export async function backfill(stage: OpenStage): Promise<void> {
  await completeStates(stage);
  console.log(`The deployed view is complete and serves. Next: npx tidemark train ${flagsOf(stage.target)}`);
}

/**
 * Fills the online states of the deployed view. The archive is merged first, since states are made of what is merged, and
 * events may have come before the history that is loaded.
 */
export async function completeStates(stage: OpenStage): Promise<void> {
  for (const [title, job] of [
    ['Compact the archive (Glue)', 'compactArchive'],
    ['Fill the online states (Glue)', 'backfillStates'],
  ] as const) {
    await stage.step(title, (watch) => runGlueJob(stage.clients, stage.resources, job, {}, watch));
  }
}
