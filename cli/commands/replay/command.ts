import { join } from 'node:path';
import type { Command } from 'commander';
import { DAY } from '../../../core/values/time.ts';
import { loadUseCase } from '../../../lib/config/use-case.ts';
import { positive, stageOption, useCaseOption } from '../../options.ts';
import { RUNS } from '../../paths.ts';
import { definitionsFolder, type Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { byDay, Replayer, readEvents } from './replay.ts';

interface ReplayOptions extends Target {
  readonly rate?: number;
  readonly sweep: boolean;
}

export function addReplay(root: Command): void {
  root
    .command('replay')
    .description(
      'send events in the order in which they became known, with a sweep for silent customers after each day',
    )
    .argument('<files...>', 'JSON, one object per line or one array, also packed: files, folders or patterns')
    .option('--rate <n>', 'events per second (default: as fast as the stream takes them)', positive)
    .option('--no-sweep', 'leave the daily sweep out')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((files: readonly string[], options: ReplayOptions) =>
      withStage(options, (stage) => replay(stage, files, options)),
    );
}

/** Days pass as fast as the stream and the sweep allow. */
async function replay(stage: OpenStage, files: readonly string[], options: ReplayOptions): Promise<void> {
  const { clients, resources } = stage;
  const { ir } = await loadUseCase(definitionsFolder(resources, options.usecase), join(RUNS, 'usecase'));
  const events = await readEvents(files, ir);
  const first = events[0];
  if (!first) {
    console.log('There are no events in these files.');
    return;
  }
  const rate = options.rate === undefined ? {} : { rate: options.rate };
  const replayer = new Replayer({ clients, resources, ir, signal: stage.hold().signal, ...rate });
  for (const { now, events: some } of byDay(events, Math.floor(first.available_at / DAY) * DAY)) {
    const date = new Date(now - DAY).toISOString().slice(0, 10);
    await stage.step(
      date,
      async ({ onState }) => {
        await replayer.sendEvents(some, (taken) => onState(`${taken} of ${some.length} events`));
        await replayer.caughtUp();
        // Without a model nobody is scored, silent or not.
        if (!options.sweep || resources.featuresAlone) return undefined;
        onState('sweep');
        return replayer.sweep(now);
      },
      (answer) => `${some.length} events${answer ? `, sweep ${JSON.stringify(answer)}` : ''}`,
    );
  }
}
