import { Progress } from '../../../setup/progress.mjs';
import { interruption } from '../../stage/interruption.ts';
import { completeStates } from '../../stage/jobs.ts';
import { deployed, flagsOf, type Target } from '../../stage/resources.ts';

/** `tidemark features backfill` */
export async function backfill(target: Target): Promise<void> {
  const { clients, resources } = await deployed(target);
  const stop = interruption();
  await completeStates(clients, resources, new Progress(), { signal: stop.signal });
  stop.release();
  console.log(`The deployed view is complete and serves. Next: npx tidemark train ${flagsOf(target)}`);
}
