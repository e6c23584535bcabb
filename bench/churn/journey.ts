/** The real events of usecases/churn, as records of one shard in the order of their arrival. */
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { outputOf, ROOT } from '../node-process.ts';

/** Later than all of the data, so that everything is history. */
const CUT = '2019-01-01T00:00:00Z';

/** @param entities only the first so many households; null: all 2,469 */
export async function journey(entities: number | null, say: (text: string) => void): Promise<StreamRecord[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-bench-'));
  try {
    const args = [path.join(ROOT, 'usecases/churn/load_events.py'), '--out', folder, '--cut', CUT];
    if (entities !== null) args.push('--entities', String(entities));
    await outputOf(path.join(ROOT, '.venv/bin/python'), args, say);
    const records: StreamRecord[] = [];
    for (const file of (await readdir(folder)).filter((name) => name.startsWith('history-')).sort()) {
      for await (const line of createInterface({
        input: createReadStream(path.join(folder, file)).pipe(createGunzip()),
      })) {
        records.push(recordOf(line, records.length));
      }
    }
    return records;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function recordOf(line: string, number: number): StreamRecord {
  const { entity_id } = JSON.parse(line) as { entity_id: string };
  return {
    position: {
      shard_id: 'shardId-000000000000',
      sequence_number: `4966${String(number).padStart(52, '0')}`,
      // A replay takes the arrival from the event.
      arrival_ms: 0,
      partition_key: entity_id,
    },
    data: Buffer.from(line),
  };
}
