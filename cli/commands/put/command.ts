import type { Command } from 'commander';
import { MAX_EVENT_BYTES } from '../../../names/limits.ts';
import { Progress } from '../../../setup/progress.mjs';
import { CliError } from '../../errors.ts';
import { objectOf } from '../../input/event-line.ts';
import { checkWhole, inputFiles } from '../../input/files.ts';
import { type Line, readLines } from '../../input/lines.ts';
import type { EventReader } from '../../input/rows/events.ts';
import { sourceReader } from '../../input/rows/source.ts';
import { sourceOption, stageOption, useCaseOption } from '../../options.ts';
import { connect } from '../../stage/connection.ts';
import { readResources, type Target } from '../../stage/resources.ts';
import { MAX_RECORD_BYTES, putAll, type StreamRecord } from '../../stage/stream-writer.ts';

interface PutOptions extends Target {
  readonly file: string;
  readonly stream?: string;
  readonly raw?: boolean;
  readonly source?: string;
}

/** More would scroll the first ones away. */
const REPORTED = 20;
/** Lines that are no event have no entity: with --raw each goes to the shard of its own line number. */
const RAW_KEY = 'raw-line-';

/** What is sent of a line, or why nothing is: never its content. */
export function recordOf({ number, place, bytes }: Line, raw: boolean): StreamRecord | { readonly problem: string } {
  const found = objectOf(bytes);
  if (!raw && 'reason' in found) return { problem: `${place} ${found.detail}` };
  const partitionKey = 'object' in found ? found.object.entity_id : `${RAW_KEY}${number}`;
  const most = raw ? MAX_RECORD_BYTES - Buffer.byteLength(partitionKey) : MAX_EVENT_BYTES;
  if (bytes.length > most)
    return {
      problem: `${place} has ${bytes.length} bytes; ${raw ? 'a Kinesis record' : 'an event'} may have ${most}`,
    };
  return { data: bytes, partitionKey };
}

export function addPut(root: Command): void {
  root
    .command('put')
    .description('send events to the stream, partition key = entity_id')
    .requiredOption(
      '--file <file>',
      'JSON, one object per line or one array, also packed; rows with --source: a file, folder or pattern; - is standard input',
    )
    .option('--stream <name>', 'another stream than the deployed one')
    .option('--raw', 'also send lines that are not events (they end up in the quarantine)')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .addOption(sourceOption())
    .action(put);
}

/** Sends a file of events. Lines that are no event are named by number and left out, unless --raw. */
async function put({ file, stream, raw = false, stage, usecase, source }: PutOptions): Promise<void> {
  const rows = source === undefined ? undefined : await sourceReader(source, usecase);
  const read: EventReader = rows ?? ((path) => readLines(path, { anything: raw }));
  const files = await inputFiles([file]);
  await checkWhole(files, read);
  const { clients } = connect(stage);
  const name = stream ?? (await readResources(clients.cloudformation, { stage, usecase })).get('stream');
  const problems: string[] = [];
  async function* records(): AsyncGenerator<StreamRecord> {
    for (const path of files) {
      for await (const line of read(path)) {
        const found = 'reason' in line ? { problem: `${line.place} ${line.detail}` } : recordOf(line, raw);
        if ('problem' in found) problems.push(found.problem);
        else yield found;
      }
    }
  }
  const { records: taken, retried } = await new Progress().step(
    `Send ${file} to ${name}`,
    (step) => putAll(clients.kinesis, name, records(), { onProgress: (count) => step.update(`${count} events`) }),
    (written) => `${written.records} events${written.retried > 0 ? `, ${written.retried} sent again` : ''}`,
  );
  if (problems.length === 0) return;
  const more = problems.length > REPORTED ? `\n… and ${problems.length - REPORTED} more` : '';
  throw new CliError(
    `${taken} events were sent${retried > 0 ? ` (${retried} of them again)` : ''}, ${problems.length} lines were not:\n${problems.slice(0, REPORTED).join('\n')}${more}\nCorrect them, or send them as they are with --raw: they end in the quarantine with their reason.`,
    2,
  );
}
