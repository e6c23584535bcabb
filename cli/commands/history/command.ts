import type { Command } from 'commander';
import { Progress } from '../../../setup/progress.mjs';
import { LEFT_OUT, reportOf } from '../../input/bad-lines.ts';
import { sourceReader } from '../../input/rows/source.ts';
import { sourceOption, stageOption, useCaseOption } from '../../options.ts';
import { runGlueJob } from '../../stage/jobs.ts';
import { flagsOf, type Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { completeStates } from '../features/backfill.ts';
import { type PackedHistory, packHistory, uploadPacked } from './files.ts';

export function addHistory(root: Command): void {
  const history = root.command('history').description('events of the past, which go the batch way');
  history
    .command('load')
    .description('upload files of events, land them in the table of events and fill the online states from them')
    .argument(
      '<files...>',
      'JSON, one object per line or one array, also packed; rows with --source: files, folders or patterns',
    )
    .addOption(stageOption())
    .addOption(useCaseOption())
    .addOption(sourceOption())
    .action(packAndLoad);
}

interface HistoryOptions extends Target {
  readonly source?: string;
}

/** All files are read to their end before the first is uploaded. */
async function packAndLoad(files: readonly string[], target: HistoryOptions): Promise<void> {
  const read = target.source === undefined ? undefined : await sourceReader(target.source, target.usecase);
  const packed = await new Progress().step(
    'Read the files',
    () => packHistory(files, read),
    ({ files: read, records }) => `${records} lines of ${read.length} files`,
  );
  try {
    if (packed.bad.length > 0) console.error(`Left out: ${reportOf('rows', packed.bad)}`);
    for (const [copy, of] of packed.copies) console.log(`${copy} has the same content as ${of}: it is loaded once.`);
    await withStage(target, (stage) => load(stage, packed));
    if (packed.bad.length > 0) process.exitCode = LEFT_OUT;
  } finally {
    packed.dispose();
  }
}

async function load(stage: OpenStage, packed: PackedHistory): Promise<void> {
  const { clients, resources, target } = stage;
  await stage.step(
    'Upload',
    () => uploadPacked(clients.s3, resources.get('lakeBucket'), packed),
    (bytes) => `${Math.round(bytes / 1024)} KiB`,
  );
  await stage.step('Land the history (Glue)', ({ signal }) =>
    runGlueJob(clients, resources, 'landHistory', {}, { signal }),
  );
  await completeStates(stage);
  const next = resources.featuresAlone ? 'page' : 'train';
  console.log(`The history is loaded. Next: npx tidemark ${next} ${flagsOf(target)}`);
}
