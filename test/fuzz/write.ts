/** `tsx test/fuzz/write.ts <seed> <records> <folder>`: what the stream makes of odd records, for the Spark jobs to be compared. */
import { Buffer } from 'node:buffer';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { compileContracts } from '../../core/admission/admit.ts';
import { admitRecord, type RecordPart } from '../../core/admission/record-parts.ts';
import { ir, odd } from './definition.ts';
import { fuzz } from './pipeline.ts';

const [seed, records, folder] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]!];
const run = await fuzz(seed, records);
const contracts = compileContracts(ir.contracts);

function verdictOf({ position, result }: RecordPart): object {
  const at = { partition_key: position.partition_key, sub_sequence: position.sub_sequence ?? 0 };
  if (result.ok) return { ...at, event: result.event };
  const { reason, event_type = null, schema_version = null } = result;
  return { ...at, reason, event_type, schema_version };
}

async function lines(name: string, values: Iterable<object>): Promise<void> {
  const file = createWriteStream(join(folder, name));
  for (const value of values) file.write(`${JSON.stringify(value)}\n`);
  file.end();
  await finished(file);
}

await lines(
  'records.ndjson',
  run.records.map(({ position, data }, i) => ({
    ...position,
    data: Buffer.from(data).toString('base64'),
    parts: run.parts[i]!.map(verdictOf),
  })),
);
const packed = (some: readonly object[]) => gzipSync(some.map((line) => `${JSON.stringify(line)}\n`).join(''));
writeFileSync(join(folder, 'events.ndjson.gz'), packed(run.archived));
writeFileSync(join(folder, 'quarantine.ndjson.gz'), packed(run.quarantined));

// As a file of history: a record that is one line of it.
const history = run.records.filter(({ data }) => data.length > 0 && !data.includes(0x0a) && !data.includes(0x0d));
const options = { ...run.options, replay: true, available_lag_ms: ir.replay.available_lag_ms, lanes: 1 };
await lines(
  'history.ndjson',
  history.map(({ position, data }) => ({
    data: Buffer.from(data).toString('base64'),
    parts: admitRecord({ position, data }, contracts, options).map(verdictOf),
  })),
);
const { problems, counts, values, t } = run;
writeFileSync(
  join(folder, 'run.json'),
  JSON.stringify({ ir, view: odd.view, options: run.options, problems, counts, values, t }),
);
