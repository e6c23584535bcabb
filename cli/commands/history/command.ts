import { Progress } from '../../../setup/progress.mjs';
import { interruption } from '../../stage/interruption.ts';
import { completeStates, runGlueJob } from '../../stage/jobs.ts';
import { deployed, flagsOf, type Target } from '../../stage/resources.ts';
import { packHistory, uploadPacked } from './files.ts';

/** `tidemark history load`: all files are read to their end before the first is uploaded. */
export async function loadHistory(files: readonly string[], target: Target): Promise<void> {
  const progress = new Progress();
  const packed = await progress.step(
    'Read the files',
    () => packHistory(files),
    ({ files: read, records }) => `${records} lines of ${read.length} files`,
  );
  try {
    for (const [copy, of] of packed.copies) console.log(`${copy} has the same content as ${of}: it is loaded once.`);
    const { clients, resources } = await deployed(target);
    const stop = interruption();
    const watch = { signal: stop.signal };
    await progress.step(
      'Upload',
      () => uploadPacked(clients.s3, resources.get('lakeBucket'), packed),
      (bytes) => `${Math.round(bytes / 1024)} KiB`,
    );
    await progress.step('Land the history (Glue)', () =>
      runGlueJob(clients, resources.get('landHistoryJob'), {}, watch),
    );
    await completeStates(clients, resources, progress, watch);
    stop.release();
    const next = resources.featuresAlone ? 'page' : 'train';
    console.log(`The history is loaded. Next: npx tidemark ${next} ${flagsOf(target)}`);
  } finally {
    packed.dispose();
  }
}
