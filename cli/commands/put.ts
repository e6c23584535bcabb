import { MAX_EVENT_BYTES } from '../../core/record.ts';
import { Progress } from '../../setup/progress.mjs';
import { connect } from '../connection.ts';
import { CliError } from '../errors.ts';
import { objectOf } from '../input/event-line.ts';
import { checkWhole, inputFiles } from '../input/files.ts';
import { readLines } from '../input/lines.ts';
import { readResources, type Target } from '../resources.ts';
import { MAX_RECORD_BYTES, putAll, type StreamRecord } from '../stream-writer.ts';

interface PutOptions extends Target {
  readonly file: string;
  readonly stream?: string;
  readonly raw?: boolean;
}

/** More would scroll the first ones away. */
const REPORTED = 20;
/** Lines that are no event have no entity: with --raw each goes to the shard of its own line number. */
const RAW_KEY = 'raw-line-';

/** Sends a file of events. Lines that are no event are named by number and left out, unless --raw. */
export async function put({ file, stream, raw = false, stage, usecase }: PutOptions): Promise<void> {
  const files = await inputFiles([file]);
  await checkWhole(files, raw);
  const { clients } = connect(stage);
  const name = stream ?? (await readResources(clients.cloudformation, { stage, usecase })).get('stream');
  const problems: string[] = [];
  async function* records(): AsyncGenerator<StreamRecord> {
    for (const path of files) {
      for await (const { number, place, bytes } of readLines(path, { anything: raw })) {
        const found = objectOf(bytes);
        const most = raw ? MAX_RECORD_BYTES - 256 : MAX_EVENT_BYTES;
        if (bytes.length > most)
          problems.push(
            `${place} has ${bytes.length} bytes; ${raw ? 'a Kinesis record' : 'an event'} may have ${most}`,
          );
        else if ('object' in found) yield { data: bytes, partitionKey: found.object.entity_id };
        else if (raw) yield { data: bytes, partitionKey: `${RAW_KEY}${number}` };
        else problems.push(`${place} ${found.detail}`);
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
