import { join } from 'node:path';
import { DAY } from '../../../core/values/time.ts';
import { loadUseCase } from '../../../lib/config/use-case.ts';
import { Progress } from '../../../setup/progress.mjs';
import { RUNS } from '../../paths.ts';
import { interruption } from '../../stage/interruption.ts';
import { definitionsFolder, deployed, type Target } from '../../stage/resources.ts';
import { byDay, Replayer, readEvents } from './replay.ts';

interface ReplayOptions extends Target {
  readonly rate?: number;
  readonly sweep: boolean;
}

/** `tidemark replay`: days pass as fast as the stream and the sweep allow. */
export async function replay(files: readonly string[], options: ReplayOptions): Promise<void> {
  const { clients, resources } = await deployed(options);
  const { ir } = await loadUseCase(definitionsFolder(resources, options.usecase), join(RUNS, 'usecase'));
  const events = await readEvents(files, ir);
  const first = events[0];
  if (!first) {
    console.log('There are no events in these files.');
    return;
  }
  const stop = interruption();
  const rate = options.rate === undefined ? {} : { rate: options.rate };
  const replayer = new Replayer({ clients, resources, ir, signal: stop.signal, ...rate });
  const progress = new Progress();
  for (const { now, events: some } of byDay(events, Math.floor(first.available_at / DAY) * DAY)) {
    const date = new Date(now - DAY).toISOString().slice(0, 10);
    await progress.step(
      date,
      async (step) => {
        await replayer.sendEvents(some, (taken) => step.update(`${taken} of ${some.length} events`));
        await replayer.caughtUp();
        // Without a model nobody is scored, silent or not.
        if (!options.sweep || resources.featuresAlone) return undefined;
        step.update('sweep');
        return replayer.sweep(now);
      },
      (answer) => `${some.length} events${answer ? `, sweep ${JSON.stringify(answer)}` : ''}`,
    );
  }
  stop.release();
}
