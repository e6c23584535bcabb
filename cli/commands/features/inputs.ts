/** The events and queries of an evaluation, and the events of a replay: by the contracts that judge them in production. */
import { type AdmitOptions, type Admitted, admit, type CompiledContracts } from '../../../core/admission/admit.ts';
import { typeName } from '../../../core/ir/errors.ts';
import { parseTimestamp } from '../../../core/values/time.ts';
import { ADMISSION } from '../../../engine/evaluate/admission.ts';
import type { InputEvent, Knowledge, Query } from '../../../engine/evaluate/evaluation.ts';
import { type Judged, judgeLines } from '../../input/bad-lines.ts';
import { type LineProblem, objectOf } from '../../input/event-line.ts';
import type { Line } from '../../input/lines.ts';
import type { EventReader } from '../../input/rows/events.ts';

const SHARD = 'file';

/**
 * @param names files, folders, patterns or `-`
 * @param read of a file, where they are rows @default - lines of JSON events
 * @throws CliError that names a file which can't be read wholly
 */
export function readEvents(
  names: readonly string[],
  contracts: CompiledContracts,
  options: AdmitOptions = ADMISSION,
  read?: EventReader,
): Promise<Judged<InputEvent>> {
  const judge = ({ place, bytes }: Line, line: number): InputEvent | LineProblem => {
    const position = { shard_id: SHARD, sequence_number: String(line), arrival_ms: 0, partition_key: '' };
    const found = admit(bytes, position, contracts, options);
    return found.ok ? { line, place, data: bytes, event: (found as Admitted).event } : found;
  };
  return judgeLines(names, judge, read);
}

/** @throws CliError that names a file which can't be read wholly */
export function readQueries(names: readonly string[]): Promise<Judged<Query>> {
  return judgeLines(names, ({ bytes }): Query | LineProblem => {
    const found = objectOf(bytes);
    return 'object' in found ? queryOf(found.object) : found;
  });
}

const TIME = 'ISO-8601 with a zone such as 2017-01-31T09:30:00Z, or whole ms, from 1970 to 9999';

function queryOf(object: { readonly entity_id: string; readonly t?: unknown; readonly knowledge?: unknown }) {
  const { entity_id, t: said, knowledge } = object;
  const t = instantOf(said);
  if (t === null) return { reason: 'INVALID_TIME', detail: `t: found ${typeName(said)}; allowed: ${TIME}` };
  const known = knowledge === undefined ? undefined : knowledgeOf(knowledge);
  if (known === null) {
    const detail = `knowledge: found ${typeName(knowledge)}; allowed: "asof", "latest", or a time: ${TIME}`;
    return { reason: 'INVALID_KNOWLEDGE', detail };
  }
  const query: Query = { entity_id, t, given_t: said as string | number };
  return known === undefined ? query : { ...query, knowledge: known };
}

function knowledgeOf(said: unknown): Knowledge | null {
  return said === 'asof' || said === 'latest' ? said : instantOf(said);
}

/** ms UTC, or null. */
function instantOf(said: unknown): number | null {
  if (typeof said === 'number' && !Number.isInteger(said)) return null;
  const parsed = parseTimestamp(said, typeof said === 'number' ? 'epoch_ms' : 'iso8601');
  return 'error' in parsed ? null : parsed.value;
}
