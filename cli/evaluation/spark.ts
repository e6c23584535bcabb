/** The Spark engine: one local PySpark for any number of evaluations, with the code of the Glue jobs. */
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FeatureValue } from '../../core/ir.ts';
import { runChild } from '../children.ts';
import { PYTHON, ROOT, RUNS } from '../paths.ts';
import { useJava } from '../tools.ts';
import type { Evaluation, Vectors } from './evaluation.ts';

const SCRIPT = join(ROOT, 'cli', 'evaluation', 'spark_engine.py');

export interface SparkOptions {
  readonly signal?: AbortSignal;
  /** Told what Spark is at. */
  readonly onProgress?: (detail: string) => void;
}

/** @throws CliError with the end of Spark's log when it fails */
export async function evaluateBySpark(asked: readonly Evaluation[], options: SparkOptions = {}): Promise<Vectors[]> {
  useJava();
  const work = mkdtempSync(join(tmpdir(), 'tidemark-eval-'));
  mkdirSync(RUNS, { recursive: true });
  try {
    const folders = asked.map((_, i) => join(work, String(i)));
    for (const [i, folder] of folders.entries()) await writeQuestion(folder, asked[i]!);
    const onLine = (line: string) => {
      const said = /^progress: (.*)$/.exec(line)?.[1];
      if (said !== undefined) options.onProgress?.(said);
    };
    await runChild(PYTHON, [SCRIPT, work, ...folders], {
      cwd: work,
      env: {
        ...process.env,
        PYTHONPATH: [join(ROOT, 'glue-scripts'), join(ROOT, 'local')].join(delimiter),
        PYSPARK_PYTHON: PYTHON,
      },
      log: join(RUNS, 'features-eval.log'),
      onLine,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    return await Promise.all(folders.map(readAnswer));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** `usecase.json` {contracts, views: [the one]}; `events`: a line's number, a tab, its text; `queries`: [entity_id, t, known before]. */
async function writeQuestion(folder: string, { ir, view, events, queries, knowledge }: Evaluation): Promise<void> {
  mkdirSync(folder);
  writeFileSync(join(folder, 'usecase.json'), JSON.stringify({ contracts: ir.contracts, views: [view] }));
  const lines = function* () {
    for (const { line, data } of events) yield Buffer.concat([Buffer.from(`${line}\t`), data, Buffer.from('\n')]);
  };
  await pipeline(Readable.from(lines()), createWriteStream(join(folder, 'events')));
  const known = (t: number) => (knowledge === 'asof' ? t : knowledge === 'latest' ? null : knowledge);
  const rows = queries.map(({ entity_id, t }) => `${JSON.stringify([entity_id, t, known(t)])}\n`);
  writeFileSync(join(folder, 'queries'), rows.join(''));
}

/** A line a query, in order: its values. */
async function readAnswer(folder: string): Promise<Vectors> {
  const lines = (await readFile(join(folder, 'vectors'), 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as FeatureValue[]);
}
