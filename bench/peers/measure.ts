/** What others take for the same work, in the same run. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { outputOf, ROOT } from '../node-process.ts';
import type { Row } from '../rows.ts';
import { linesOf } from '../stream/events.ts';
import { installed } from './environment.ts';

type Say = (text: string) => void;
type Figures = Readonly<Record<string, number>>;

/** More events than the stream engine gets, so that starting a job weighs little in Flink's figure. */
const FLINK_EVENTS = 1_000_000;
const FLINK_ROUNDS = 3;
/** None of them is to report its use. */
const QUIET = { FEAST_USAGE: 'False', DO_NOT_TRACK: '1' };

async function inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-peers-'));
  try {
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function figures(python: string, script: string, args: readonly string[], say: Say): Promise<Figures> {
  const file = path.join(ROOT, 'bench', 'peers', script);
  const output = await outputOf(python, [file, ...args], say, { ...process.env, ...QUIET });
  return JSON.parse(output.trimEnd().split('\n').at(-1)!) as Figures;
}

async function flink(say: Say): Promise<Figures> {
  const python = await installed('flink', say);
  return inFolder(async (folder) => {
    const file = path.join(folder, 'events.ndjson');
    say(`writing ${FLINK_EVENTS} events`);
    await writeFile(file, linesOf({ events: FLINK_EVENTS, entities: 20_000, from: 200_000 }).bytes);
    return figures(python, 'flink_json_source.py', [file, String(FLINK_EVENTS), String(FLINK_ROUNDS)], say);
  });
}

async function feast(part: 'online' | 'pit', say: Say): Promise<Figures> {
  const python = await installed('feast', say);
  return inFolder((folder) => figures(python, 'feast_figures.py', [part, folder], say));
}

/** Beside which rows a peer's figures stand: those of the part whose unit they have. */
export const peers: Readonly<
  Record<string, { readonly unit: string; readonly measure: (say: Say) => Promise<Figures> }>
> = {
  stream: { unit: 'events/s', measure: flink },
  read: { unit: 'µs', measure: (say) => feast('online', say) },
  pit: { unit: 'rows/s', measure: (say) => feast('pit', say) },
};

/** @returns the rows, those of this unit with the figures beside them */
export function beside(rows: readonly Row[], unit: string, found: Figures): Row[] {
  return rows.map((row) => (row.unit === unit ? { ...row, beside: { ...row.beside, ...found } } : row));
}
