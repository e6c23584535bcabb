import type { Context, EventBridgeEvent } from 'aws-lambda';
import { bytesOf } from '../../core/intake/body.ts';
import { type IntakeRecord, take } from '../../engine/intake/take.ts';
import { reportDrift } from '../aws/drift.ts';
import { readEnvironment } from '../aws/environment.ts';
import { intakePorts, loadSource, reportTaken } from '../aws/intake.ts';
import { redriven } from '../aws/redriven.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { schema } from './env.ts';

const env = readEnvironment(schema);
const telemetry = createTelemetry(env);
const source = await loadSource(import.meta.dirname, env);
const ports = intakePorts(env, source);
/** No try begins when less is left of the call (ms), so that it can still say that it failed. */
const LAST_MS = 5000;

/**
 * One event of a bus; its `detail` is the source's record. Called asynchronously: what fails is tried again by Lambda, and then
 * waits in the dead-letter queue, from which it comes here again.
 * @throws Error when the stream did not take all of it, or what was refused could not be kept
 */
export async function handler(event: EventBridgeEvent<string, unknown>, context: Context): Promise<unknown> {
  const patience = { expired: () => context.getRemainingTimeInMillis() < LAST_MS };
  const again = await redriven(event, source, ports, patience);
  const result = again?.result ?? (await take([recordOf(event)], source, ports, patience));
  reportTaken(telemetry, source.name, result);
  await reportDrift(telemetry, ports.watch);
  telemetry.flush();
  if (again) return again.answer;
  if (result.failed.length > 0)
    throw new Error('stream: found it not taking all events of the record; they come again');
  return undefined;
}

function recordOf(event: EventBridgeEvent<string, unknown>): IntakeRecord {
  const { detail, ...about } = event;
  // The event's own time, so that a repeated call writes the same. Partners may set it; where it is none, it is now.
  const time = Date.parse(event.time);
  const received_ms = Number.isNaN(time) ? Date.now() : time;
  // The runtime has parsed it already: numbers beyond 2^53 have lost their last digits there.
  const raw = bytesOf(detail ?? null);
  return { raw, context: { received_ms, carriage: 'bus', detail: about } };
}
