/** Looking into the quarantine: what is there, what one line looks like, and how much there is of what. */
import { compileContracts } from '../../../core/admission/admit.ts';
import { type Drift, driftOf } from '../../../core/admission/drift.ts';
import { admitRecord } from '../../../core/admission/record-parts.ts';
import { shapeOf } from '../../../core/admission/shape.ts';
import { compileSource } from '../../../core/intake/intake.ts';
import type { CarriageKind, UseCaseIR } from '../../../core/ir/document.ts';
import type { QuarantineLine } from '../../../engine/ingest/quarantine.ts';
import {
  daysOf,
  isMarked,
  isWanted,
  parsePosition,
  positionOf,
  sourceOf,
  type Wanted,
} from '../../../engine/quarantine/lines.ts';
import { MAX_EVENT_BYTES } from '../../../names/limits.ts';
import { intakeOf } from '../../../names/sources.ts';
import { CliError } from '../../errors.ts';
import { deployedUseCase } from '../../stage/deployed-use-case.ts';
import type { OpenStage } from '../../stage/stage.ts';
import { QuarantineLake } from './lake.ts';
import { type FilterOptions, wantedOf } from './options.ts';

export const lakeOf = ({ clients, resources }: OpenStage) =>
  new QuarantineLake(clients.s3, resources.get('lakeBucket'));

/** A line without its record: no payload, no entity. */
interface Told {
  readonly position: string;
  /** ISO. */
  readonly arrival: string;
  readonly reason: string;
  readonly source: string;
  readonly event_type: string | null;
  readonly schema_version: number | null;
  readonly detail: string;
  readonly redriven: boolean;
}

function told(line: QuarantineLine, redriven: boolean): Told {
  const { reason, event_type, schema_version, detail } = line;
  const arrival = new Date(line.arrival).toISOString();
  return {
    position: positionOf(line),
    arrival,
    reason,
    source: sourceOf(line),
    event_type,
    schema_version,
    detail,
    redriven,
  };
}

/** Each place once: a batch that was delivered again may have written a line again; what a source sent again came later. */
export async function* wantedLines(
  lake: QuarantineLake,
  wanted: Wanted,
  onSeen: (objects: number) => void,
): AsyncGenerator<QuarantineLine> {
  const seen = new Set<string>();
  for await (const { lines } of lake.objects(daysOf(wanted), onSeen))
    for (const line of lines) {
      const place = `${positionOf(line)} ${line.arrival}`;
      if (!isWanted(line, wanted) || seen.has(place)) continue;
      seen.add(place);
      yield line;
    }
}

interface ListOptions extends FilterOptions {
  readonly all?: boolean;
  readonly limit: number;
}

/** `tidemark quarantine ls` */
export async function list(stage: OpenStage, options: ListOptions): Promise<void> {
  const lake = lakeOf(stage);
  const wanted = wantedOf(options);
  const found: Told[] = [];
  let more = 0;
  await stage.step('Read the quarantine', async ({ onState }) => {
    const marked = await lake.marked(daysOf({ since: wanted.since }));
    for await (const line of wantedLines(lake, wanted, (seen) => onState(`${seen} objects`))) {
      const redriven = isMarked(line, marked);
      if (redriven && !options.all) continue;
      if (found.length < options.limit) found.push(told(line, redriven));
      else more++;
    }
  });
  if (options.json) for (const one of found) console.log(JSON.stringify(one));
  else
    for (const { position, arrival, reason, source, event_type, schema_version, detail, redriven } of found)
      console.log(
        `${position}  ${arrival}  ${reason}  ${source || '-'}  ${event_type ?? '-'}@${schema_version ?? '-'}  ${redriven ? 'put back  ' : ''}${detail}`,
      );
  if (more > 0) console.error(`and ${more} more: say --limit, or choose by --reason, --source, --event-type, --since`);
  if (found.length === 0) console.error('There is nothing of that in the quarantine.');
}

interface ShowOptions extends FilterOptions {
  readonly raw?: boolean;
}

/** `tidemark quarantine show`: the record itself only where it is asked for, as it may be personal. */
export async function show(stage: OpenStage, position: string, options: ShowOptions): Promise<void> {
  const place = parsePosition(position);
  if (place === null)
    throw new CliError(`${position} is no position: give one that \`npx tidemark quarantine ls\` shows.`, 2);
  const lake = lakeOf(stage);
  const line = await stage.step('Look for the record', () => lake.at(place));
  if (line === null)
    throw new CliError(`There is no ${position} in the quarantine: it may have been let go by its age, or erased.`);
  const data = Buffer.from(line.raw_base64, 'base64');
  if (options.raw) {
    process.stdout.write(data);
    return;
  }
  const drift = differences(line, data, await deployedUseCase(stage.clients, stage.resources));
  const redriven = isMarked(line, await lake.marked({}));
  const all: Shown = { ...told(line, redriven), bytes: data.length, shape: shapeOf(data), drift };
  if (options.json) console.log(JSON.stringify(all));
  else console.log(readable(all));
}

/** From the contracts, or, of what never came to the stream, from what the map of its source looks for. */
function differences(line: QuarantineLine, data: Uint8Array, { contracts, sources = [] }: UseCaseIR): readonly Drift[] {
  const { shard_id, sequence_number, partition_key, arrival } = line;
  const intake = intakeOf(shard_id);
  if (intake !== undefined) {
    const source = sources.find(({ name }) => name === intake.source);
    const context = { received_ms: arrival, carriage: intake.carriage as CarriageKind };
    return source === undefined ? [] : compileSource(source, contracts)(data, context).drift;
  }
  const compiled = compileContracts(contracts);
  const position = { shard_id, sequence_number, partition_key, arrival_ms: arrival };
  const admit = { replay: false, available_lag_ms: 0, max_bytes: MAX_EVENT_BYTES };
  return admitRecord({ position, data }, compiled, admit).flatMap((part) => driftOf(part, compiled));
}

interface Shown extends Told {
  readonly bytes: number;
  /** Null: it is no JSON. */
  readonly shape: readonly string[] | null;
  /** By the contracts and maps that are deployed. */
  readonly drift: readonly Drift[];
}

function readable({ shape, drift, bytes, ...line }: Shown): string {
  const type = `${line.event_type ?? 'no type'}, version ${line.schema_version ?? 'none'}`;
  return [
    `${line.position}  ${line.arrival}  ${line.reason}${line.redriven ? '  (put back)' : ''}`,
    line.detail,
    `${line.source || 'no source'}: ${type}, ${bytes} bytes`,
    '',
    ...(shape === null ? ['It is no JSON; --raw prints it.'] : shape),
    ...(drift.length === 0 ? [] : ['', 'How it differs from what is deployed:', ...drift.map(sentence)]),
  ].join('\n');
}

/** `unknown_field properties.currency: string`, `changed_type properties.total: object (decimal)`. */
export function sentence({ kind, field, found, allowed }: Drift): string {
  return `${kind} ${field === null ? '' : `${field}: `}${found}${allowed === null ? '' : ` (${allowed})`}`;
}
