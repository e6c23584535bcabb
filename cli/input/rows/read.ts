/** One reader of rows for all formats: CSV, JSON and Parquet are told apart by their content. */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { typeName } from '../../../core/ir/errors.ts';
import { CliError } from '../../errors.ts';
import { PYTHON, ROOT } from '../../paths.ts';
import { readLines } from '../lines.ts';
import { nameOf, STDIN, textOf } from '../text.ts';
import { csvRows } from './csv.ts';
import type { BadRow, Row } from './row.ts';

export type Format = 'csv' | 'json' | 'parquet';

const PARQUET = Buffer.from('PAR1');
const PARQUET_ROWS = join(ROOT, 'cli', 'input', 'rows', 'parquet_rows.py');

/** @throws CliError for standard input, which can't be looked at twice, and for what is no text and no Parquet */
export async function formatOf(path: string): Promise<Format> {
  if (path === STDIN)
    throw new CliError('Rows are read from files: give the path of a CSV, JSON or Parquet file instead of -.', 2);
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.equals(PARQUET)) return 'parquet';
  } finally {
    await file.close();
  }
  for await (const part of textOf(path)) {
    const first = /[^\s\ufeff]/u.exec(part.toString('utf8'))?.[0];
    if (first !== undefined) return first === '{' || first === '[' ? 'json' : 'csv';
  }
  throw new CliError(`${nameOf(path)} is empty: give a file with rows.`, 2);
}

/**
 * The rows of a file, one at a time.
 * @throws CliError that names the file, at the latest at its end, when it can't be read wholly
 */
export async function* readRows(path: string): AsyncGenerator<Row | BadRow> {
  const format = await formatOf(path);
  if (format === 'csv') yield* csvRows(path);
  else if (format === 'parquet') yield* parquetRows(path);
  else yield* jsonRows(path);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

async function* jsonRows(path: string): AsyncGenerator<Row | BadRow> {
  let number = 0;
  for await (const { place, bytes } of readLines(path)) {
    let value: unknown;
    try {
      value = JSON.parse(decoder.decode(bytes));
    } catch {
      yield { place, reason: 'MALFORMED_JSON', detail: 'found no JSON in UTF-8; allowed: an object' };
      continue;
    }
    if (typeName(value) !== 'object')
      yield { place, reason: 'NOT_AN_OBJECT', detail: `found ${typeName(value)}; allowed: an object` };
    else yield { number: ++number, place, values: value as Row['values'], json: bytes };
  }
}

/** By the Arrow that the set-up has for the Spark jobs anyway: it reads every codec, and nothing more is installed. */
async function* parquetRows(path: string): AsyncGenerator<Row> {
  const child = spawn(PYTHON, [PARQUET_ROWS, path], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (part: Buffer) => {
    said = `${said}${part}`.slice(-500);
  });
  const ended = new Promise<number>((done, fail) => {
    child.on('error', () => fail(new CliError('Parquet is read by Python, which is missing: npm run setup.')));
    child.on('close', (code) => done(code ?? 1));
  });
  ended.catch(() => {});
  let number = 0;
  try {
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY }))
      yield {
        number: ++number,
        place: `${path}, row ${number}`,
        values: JSON.parse(line) as Row['values'],
        json: Buffer.from(line),
      };
    if ((await ended) !== 0) throw new CliError(`${nameOf(path)} can't be read as Parquet: ${said.trim()}`, 2);
  } finally {
    child.kill();
  }
}
