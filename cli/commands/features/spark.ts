/** The Spark engine: one local PySpark for any number of evaluations, with the code of the Glue jobs. */
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FeatureValue } from '../../../core/ir/document.ts';
import type { Evaluation, Knowledge, Vectors } from '../../../engine/evaluate/evaluation.ts';
import { runChild } from '../../children.ts';
import { PYTHON, ROOT, RUNS } from '../../paths.ts';
import { useJava } from '../../tools.ts';

const SCRIPT = join(ROOT, 'cli', 'commands', 'features', 'spark_engine.py');

export interface SparkOptions {
  readonly signal?: AbortSignal;
  /** Told what Spark is at. */
  readonly onProgress?: (detail: string) => void;
}

/**
 * Answers all questions with one Spark job.
 * @throws CliError with the end of Spark's log when it fails
 */
export async function evaluateBySpark(asked: readonly Evaluation[], options: SparkOptions = {}): Promise<Vectors[]> {
  useJava();
  const work = mkdtempSync(join(tmpdir(), 'tidemark-eval-'));
  mkdirSync(RUNS, { recursive: true });
  try {
    await writeQuestions(work, asked);
    const onLine = (line: string) => {
      const said = /^progress: (.*)$/.exec(line)?.[1];
      if (said !== undefined) options.onProgress?.(said);
    };
    await runChild(PYTHON, [SCRIPT, work], {
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
    return await readAnswers(work, asked.length);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * `usecases.json`: for each question {contracts, views: [the one]}; `events`: a question's number, a tab, a line's
 * number, a tab, its text; `queries`: [question, entity_id, t, known before].
 */
async function writeQuestions(work: string, asked: readonly Evaluation[]): Promise<void> {
  const useCases = asked.map(({ ir, view }) => ({ contracts: ir.contracts, views: [view] }));
  writeFileSync(join(work, 'usecases.json'), JSON.stringify(useCases));
  const lines = function* () {
    for (const [i, { events }] of asked.entries())
      for (const { line, data } of events)
        yield Buffer.concat([Buffer.from(`${i}\t${line}\t`), data, Buffer.from('\n')]);
  };
  await pipeline(Readable.from(lines()), createWriteStream(join(work, 'events')));
  const rows = asked.flatMap(({ queries, knowledge }, i) => {
    const known = (t: number, own: Knowledge) => (own === 'asof' ? t : own === 'latest' ? null : own);
    return queries.map(
      ({ entity_id, t, knowledge: own = knowledge }) => `${JSON.stringify([i, entity_id, t, known(t, own)])}\n`,
    );
  });
  writeFileSync(join(work, 'queries'), rows.join(''));
}

/** One line per query, in order: its question's number, a tab, its values. */
async function readAnswers(work: string, count: number): Promise<Vectors[]> {
  const answers: FeatureValue[][][] = Array.from({ length: count }, () => []);
  for (const line of (await readFile(join(work, 'vectors'), 'utf8')).split('\n').slice(0, -1)) {
    const tab = line.indexOf('\t');
    answers[Number(line.slice(0, tab))]!.push(JSON.parse(line.slice(tab + 1)) as FeatureValue[]);
  }
  return answers;
}
