import { S3Client } from '@aws-sdk/client-s3';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { rowReader } from '../../core/intake/files/index.ts';
import { CARRIAGE_OPTIONS } from '../../core/ir/source-options.ts';
import { refusedRow, takeRows } from '../../engine/intake/take-rows.ts';
import { MAX_FILE_BYTES } from '../../names/limits.ts';
import { DIMENSION, METRIC } from '../../names/metrics.ts';
import { reportDrift } from '../aws/drift.ts';
import { readEnvironment } from '../aws/environment.ts';
import { intakePorts, loadSource, reportTaken } from '../aws/intake.ts';
import { patient } from '../aws/patience.ts';
import { type Redriven, redriven } from '../aws/redriven.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { contentOf } from './content.ts';
import { schema } from './env.ts';
import { type Landed, landedIn } from './notification.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const source = await loadSource(import.meta.dirname, env);
const options = CARRIAGE_OPTIONS.files.parse(source.ir.via.find(({ kind }) => kind === 'files')?.options ?? {});
const read = rowReader(options);
const s3 = new S3Client(patient());
const ports = intakePorts(env, source);
/** No try begins when less is left of the call (ms), so that it can still say what failed. */
const LAST_MS = 10_000;

/** Files that have landed, each by itself: what fails comes again as a whole, and the others are done. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse | Redriven['answer']> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  const expired = () => context.getRemainingTimeInMillis() < LAST_MS;
  const again = await redriven(event, source, ports, { expired }, (raw) => refusedRow(read, raw));
  if (again) {
    reportTaken(telemetry, source.name, again.result);
    await reportDrift(telemetry, ports.watch);
    telemetry.flush();
    return again.answer;
  }
  for (const { messageId, body } of event.Records) {
    const taken = await takeAll(body, expired).catch((error: unknown) => {
      telemetry.error('a file could not be taken', error);
      return false;
    });
    if (!taken) batchItemFailures.push({ itemIdentifier: messageId });
  }
  await reportDrift(telemetry, ports.watch);
  telemetry.flush();
  return { batchItemFailures };
}

async function takeAll(message: string, expired: () => boolean): Promise<boolean> {
  for (const file of landedIn(message)) {
    // Before it begins, so that no file is read only to be given up.
    if (expired() || !(await takeFile(file, expired))) return false;
  }
  return true;
}

async function takeFile(file: Landed, expired: () => boolean): Promise<boolean> {
  if (file.bytes > MAX_FILE_BYTES) {
    telemetry.countBy(METRIC.intakeFilesTooLarge, DIMENSION.source, source.name, 1);
    telemetry.warn('a file is too large for a function', { source: source.name, bytes: file.bytes });
    return true;
  }
  const context = { received_ms: file.at, carriage: 'files' as const, detail: { file: file.key } };
  return takeRows(read(contentOf(s3, file)), source, context, ports, {
    copies: source.ir.envelope === 'rows',
    expired,
    onTaken: (result) => reportTaken(telemetry, source.name, result),
  });
}
