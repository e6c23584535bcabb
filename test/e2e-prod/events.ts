/** Real events of 2017, moved to end now. */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { writeEvents } from '../../cli/commands/demo/history-source.ts';
import type { WireEvent } from '../../cli/commands/replay/bad-records.ts';
import { DAY } from '../../core/values/time.ts';

/** The first instant of 2017 that is not history. */
const CUT = Date.parse('2017-12-01T00:00:00Z');
/** Live events lie between yesterday's midnight and now. */
const LIVE_DAYS = 2;

export interface Events {
  /** Files of what happened before yesterday. */
  readonly history: readonly string[];
  /** What happened since, oldest first. */
  readonly live: readonly WireEvent[];
}

/** Days by which 2017's cut has to be moved to be yesterday's midnight (UTC). @param now ms UTC */
export function daysUntilNow(now: number): number {
  return Math.floor(now / DAY) - 1 - CUT / DAY;
}

/** @param folder gets the files. @param now ms UTC: nothing later is written */
export async function eventsUpTo(now: number, folder: string, entities: number, signal: AbortSignal): Promise<Events> {
  const shift = daysUntilNow(now) * DAY;
  const until = new Date(CUT + LIVE_DAYS * DAY).toISOString();
  const cut = new Date(CUT).toISOString();
  const files = await writeEvents({ usecase: 'churn', folder, cut, until, entities, signal });
  const history: string[] = [];
  for (const [index, file] of files.history.entries()) {
    const moved = join(folder, `moved-${index}.ndjson.gz`);
    await pipeline(
      async function* () {
        for await (const event of read(file, shift)) yield `${JSON.stringify(event)}\n`;
      },
      createGzip(),
      createWriteStream(moved),
    );
    history.push(moved);
  }
  const live: WireEvent[] = [];
  for (const file of files.live)
    for await (const event of read(file, shift)) if (Date.parse(String(event.event_time)) < now) live.push(event);
  return { history, live };
}

async function* read(file: string, shiftMs: number): AsyncGenerator<WireEvent> {
  const lines = createInterface({ input: createReadStream(file).pipe(createGunzip()) });
  for await (const line of lines) {
    const event = JSON.parse(line) as WireEvent;
    const at = Date.parse(String(event.event_time));
    yield { ...event, event_time: new Date(at + shiftMs).toISOString() };
  }
}
