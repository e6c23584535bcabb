/** The rows of a file → events on the stream, a part at a time, so that memory does not grow with the file. */
import { bodyOf } from '../../core/intake/body.ts';
import type { IntakeContext } from '../../core/intake/envelope.ts';
import { isBad, type Row, type RowReader } from '../../core/intake/files/row.ts';
import { Rejection } from '../../core/ir/rejection.ts';
import { canonicalJson, idHash } from '../../core/values/hash.ts';
import type { PutOptions } from './put-all.ts';
import { type IntakePorts, type IntakeRecord, type SourceOf, type TakeResult, take } from './take.ts';

/** What is held at once: about what a few calls of the stream take. */
const MOST_ROWS = 2000;
const MOST_BYTES = 4 * 1024 * 1024;

export interface RowsOptions extends PutOptions {
  /** Whether equal rows are told apart by their place among each other, as rows without an id of their own need it. */
  readonly copies: boolean;
  /** What came of each part, as soon as it is over. */
  readonly onTaken: (result: TakeResult) => void;
}

/**
 * Rows that are none go to the quarantine, and the rest goes on. Nothing behind a row that the stream did not take is put, so that
 * an entity's rows stay in their order; the file then comes again as a whole, and its events are the same by their ids.
 * @param context of the file: when it arrived and what it is called; each row also has its `line`
 * @returns whether the stream has all of it
 * @throws Error when what is refused, forgotten or missing could not be kept
 */
export async function takeRows(
  rows: AsyncIterable<Row>,
  source: SourceOf,
  context: IntakeContext,
  ports: IntakePorts,
  { copies, onTaken, ...options }: RowsOptions,
): Promise<boolean> {
  const seen = copies ? new Copies() : null;
  for await (const part of partsOf(rows)) {
    const bad = part.filter(isBad).map((row) => ({ ...row, received_ms: context.received_ms }));
    const records = part.flatMap((row): IntakeRecord[] => {
      if (isBad(row)) return [];
      const copy = seen?.before(row.json) ?? 0;
      const detail = { ...context.detail, line: row.place, ...(copy > 0 && { copy }) };
      return [{ raw: row.json, context: { ...context, detail } }];
    });
    if (bad.length > 0) await ports.refuse(bad.map(({ place: _, ...refused }) => refused));
    const result = await take(records, source, ports, options);
    onTaken(withBad(result, bad));
    if (result.failed.length > 0) return false;
  }
  return true;
}

/**
 * A row that was refused, as its source's envelope reads it again: one that a map refused is its JSON; of one that was none the
 * row that its file's format makes of it by now, or its bytes as they are where that makes none.
 */
export async function refusedRow(read: RowReader, raw: Uint8Array): Promise<Uint8Array> {
  try {
    bodyOf(raw);
    return raw;
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
  }
  const rows: Row[] = [];
  for await (const row of read(only(raw))) rows.push(row);
  const [row] = rows;
  return row === undefined || rows.length > 1 || isBad(row) ? raw : row.json;
}

async function* only<T>(one: T): AsyncGenerator<T> {
  yield one;
}

async function* partsOf(rows: AsyncIterable<Row>): AsyncGenerator<readonly Row[]> {
  let part: Row[] = [];
  let bytes = 0;
  for await (const row of rows) {
    part.push(row);
    bytes += isBad(row) ? row.raw.length : row.json.length;
    if (part.length < MOST_ROWS && bytes < MOST_BYTES) continue;
    yield part;
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield part;
}

function withBad(result: TakeResult, bad: readonly { readonly reason: Rejection['reason'] }[]): TakeResult {
  const refused = new Map(result.refused);
  for (const { reason } of bad) refused.set(reason, (refused.get(reason) ?? 0) + 1);
  return { ...result, received: result.received + bad.length, refused };
}

/** How many equal rows of the file came before, by 53 bits of a hash: some tens of bytes a row. */
class Copies {
  private readonly counts = new Map<number, number>();

  before(json: Uint8Array): number {
    try {
      const hash = idHash(canonicalJson(bodyOf(json)));
      const count = this.counts.get(hash) ?? 0;
      this.counts.set(hash, count + 1);
      return count;
    } catch (error) {
      // Its envelope says why it can't be read.
      if (error instanceof Rejection) return 0;
      throw error;
    }
  }
}
