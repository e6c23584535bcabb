/** The two files of an evaluation. One bad line, and nothing is evaluated: each is named with its reason. */
import { type AdmitOptions, admit, type CompiledContracts } from '../../core/contract.ts';
import { typeName } from '../../core/errors.ts';
import { parseTimestamp } from '../../core/time.ts';
import { MAX_EVENT_BYTES } from '../../lambdas/shared/stream-records.ts';
import { CliError } from '../errors.ts';
import { entityOf, type Line, readLines } from '../ndjson.ts';
import type { InputEvent, Query } from './evaluation.ts';

/** More would scroll the first ones away. */
const REPORTED = 20;
const SHARD = 'file';

/** Without an `available_at` of its own an event was known when it happened. */
export const ADMISSION: AdmitOptions = { replay: true, available_lag_ms: 0, max_bytes: MAX_EVENT_BYTES };

/** @throws CliError with exit code 2 that names every line its contract refuses */
export function readEvents(path: string, contracts: CompiledContracts): Promise<InputEvent[]> {
  return read(path, 'events', ({ number, bytes }): InputEvent | string => {
    const position = { shard_id: SHARD, sequence_number: String(number), arrival_ms: 0, partition_key: '' };
    const found = admit(bytes, position, contracts, ADMISSION);
    return found.ok ? { line: number, data: bytes, event: found.event } : `${found.reason}: ${found.detail}`;
  });
}

/** @throws CliError with exit code 2 that names every line that is no query */
export function readQueries(path: string): Promise<Query[]> {
  return read(path, 'queries', ({ bytes }): Query | string => {
    const found = entityOf(bytes);
    if ('problem' in found) return found.problem;
    const { t } = JSON.parse(bytes.toString('utf8')) as { t?: unknown };
    const parsed = parseTimestamp(t, typeof t === 'number' ? 'epoch_ms' : 'iso8601');
    if ('error' in parsed || (typeof t === 'number' && !Number.isInteger(t))) {
      return `t: found ${typeName(t)}; allowed: ISO-8601 with a zone such as 2017-01-31T09:30:00Z, or whole ms, from 1970 to 9999`;
    }
    return { entity_id: found.entity_id, t: parsed.value, said: t as string | number };
  });
}

async function read<T>(path: string, what: string, parse: (line: Line) => T | string): Promise<T[]> {
  const good: T[] = [];
  const problems: string[] = [];
  try {
    for await (const line of readLines(path)) {
      const one = parse(line);
      if (typeof one === 'string') problems.push(`${path}:${line.number}: ${one}`);
      else good.push(one);
    }
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code?.startsWith('Z_')) throw error;
    throw new CliError(`${path}: its name ends in .gz, but it cannot be unpacked (${(error as Error).message}).`, 2);
  }
  if (problems.length === 0) return good;
  const more = problems.length > REPORTED ? [`… and ${problems.length - REPORTED} more`] : [];
  const lines = problems.length === 1 ? '1 bad line' : `${problems.length} bad lines`;
  throw new CliError([`${lines} of ${what}:`, ...problems.slice(0, REPORTED), ...more].join('\n'), 2);
}
