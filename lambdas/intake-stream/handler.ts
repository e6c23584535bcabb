import type { Context } from 'aws-lambda';
import { take } from '../../engine/intake/take.ts';
import { reportDrift } from '../aws/drift.ts';
import { readEnvironment } from '../aws/environment.ts';
import { intakePorts, loadSource, reportTaken } from '../aws/intake.ts';
import { redriven } from '../aws/redriven.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { batchOf, type StreamEvent } from './batch.ts';
import { schema } from './env.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const source = await loadSource(import.meta.dirname, env);
const ports = intakePorts(env, source);
/** No try begins when less is left of the call (ms), so that it can still say what has to come again. */
const LAST_MS = 5000;

/**
 * Records of a stream, a table, a topic, a log group or devices. What can't be read goes to the quarantine and holds nothing
 * up; of what the stream did not take, a mapping is told where to go on, and an asynchronous call fails and is repeated.
 * @throws Error when what was refused could not be kept, and of an asynchronous call when not all is on the stream
 */
export async function handler(event: StreamEvent, context: Context): Promise<unknown> {
  try {
    const patience = { expired: () => context.getRemainingTimeInMillis() < LAST_MS };
    const again = await redriven(event, source, ports, patience);
    if (again) {
      reportTaken(telemetry, source.name, again.result);
      return again.answer;
    }
    const batch = batchOf(event, source.carriage, Date.now());
    const result = await take(batch.records, source, ports, patience);
    reportTaken(telemetry, source.name, result);
    const answer = batch.answer(result.failed);
    if (answer === null && result.failed.length > 0)
      throw new Error('stream: found it not taking all events of the call; they come again');
    return answer;
  } finally {
    await reportDrift(telemetry, ports.watch);
    telemetry.flush();
  }
}
