import { Progress } from '../../setup/progress.mjs';
import { connect, type Stage } from '../connection.ts';
import { interruption } from '../interruption.ts';
import { completeStates } from '../jobs.ts';
import { readResources } from '../resources.ts';

/** `tidemark features backfill` */
export async function backfill({ stage }: { readonly stage: Stage }): Promise<void> {
  const { clients } = connect(stage);
  const resources = await readResources(clients.cloudformation, stage);
  const stop = interruption();
  await completeStates(clients, resources, new Progress(), { signal: stop.signal });
  stop.release();
  console.log(`The deployed view is complete and serves. Next: npx tidemark train --stage ${stage}`);
}
