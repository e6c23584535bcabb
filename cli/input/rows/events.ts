/** Rows of files as the events that a source's map makes of them: the same whether they are looked at, loaded or sent. */

import { rowId } from '../../../core/intake/envelopes/rows.ts';
import { compileSource } from '../../../core/intake/intake.ts';
import type { ContractIR, SourceIR, UseCaseIR } from '../../../core/ir/document.ts';
import { CliError } from '../../errors.ts';
import type { BadLine } from '../bad-lines.ts';
import type { Line } from '../lines.ts';
import { TextCounts } from './counts.ts';
import { readRows } from './read.ts';

/** A file's records as events, or why one is none. */
export type EventReader = (path: string) => AsyncIterable<Line | BadLine>;

/**
 * The source of a use case whose rows a file has.
 * @throws CliError when there is none of this name, or it reads something else
 */
export function rowsSource({ sources = [], name }: Pick<UseCaseIR, 'sources' | 'name'>, asked: string): SourceIR {
  const rows = sources.filter(({ envelope }) => envelope === 'rows');
  const found = rows.find((one) => one.name === asked);
  if (found) return found;
  const allowed = rows.length === 0 ? `none: ${name} has no source of rows` : rows.map((one) => one.name).join(', ');
  throw new CliError(`--source: found a name that is no source of rows; allowed: ${allowed}.`, 2);
}

/** Equal rows of one file are told apart by their place among each other; a row that stands in two files is one fact. */
export function eventReader(source: SourceIR, contracts: readonly ContractIR[]): EventReader {
  const take = compileSource(source, contracts);
  const ownIds = source.map.every(({ id }) => id !== undefined);
  return async function* (path) {
    const seen = new TextCounts();
    for await (const row of readRows(path)) {
      if ('reason' in row) {
        yield row;
        continue;
      }
      const { number, place, values, json } = row;
      const copy = ownIds ? 0 : seen.add(rowId(values, 0));
      const { events, refused } = take(json, { received_ms: 0, carriage: 'files', detail: { copy } });
      for (const { data } of events) yield { number, place, bytes: Buffer.from(data) };
      for (const { reason, detail } of refused) yield { place, reason, detail };
      if (events.length + refused.length === 0)
        yield { place, reason: 'IGNORED', detail: `no rule of the source ${source.name} asks for it` };
    }
  };
}
