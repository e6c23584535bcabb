/** What others take for the same work, in the same run. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cloudEnvironment, startLocalCloud } from '../../local/cloud.ts';
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

async function figures(
  python: string,
  script: string,
  args: readonly string[],
  say: Say,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
): Promise<Figures> {
  const file = path.join(ROOT, 'bench', 'peers', script);
  const output = await outputOf(python, [file, ...args], say, { ...env, ...QUIET });
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

async function feastOnline(say: Say): Promise<Figures> {
  const python = await installed('feast', say);
  const cloud = await startLocalCloud({ quiet: true });
  try {
    const run = (folder: string) =>
      figures(python, 'feast_figures.py', ['online', folder], say, cloudEnvironment(cloud));
    return await inFolder(run);
  } finally {
    await cloud.stop();
  }
}

async function feastJoin(say: Say): Promise<Figures> {
  const python = await installed('feast', say);
  return inFolder((folder) => figures(python, 'feast_figures.py', ['pit', folder], say));
}

/** Beside which rows a peer's figures stand: those of the part whose unit they have. */
export const peers: Readonly<
  Record<string, { readonly unit: string; readonly measure: (say: Say) => Promise<Figures> }>
> = {
  stream: { unit: 'events/s', measure: flink },
  read: { unit: 'µs', measure: feastOnline },
  pit: { unit: 'rows/s', measure: feastJoin },
};

/** @returns the rows, those of this unit with the figures beside them */
export function beside(rows: readonly Row[], unit: string, found: Figures): Row[] {
  return rows.map((row) => (row.unit === unit ? { ...row, beside: { ...row.beside, ...found } } : row));
}
