/** A request of a source → its events on the stream, or an answer that makes its sender keep them. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Intake, Taken } from '../../core/intake/intake.ts';
import type { Verdict } from '../../core/intake/signatures/verdict.ts';
import { crcAnswer } from '../../core/intake/signatures/x.ts';
import type { EnvelopeName } from '../../core/ir/document.ts';
import type { RejectionReason } from '../../core/ir/rejection.ts';
import type { CarriageOptions } from '../../core/ir/source-options.ts';
import type { IntakeRecord, TakeResult } from '../../engine/intake/take.ts';
import { type Answer, taken as answerTo, failed, json } from './answers.ts';
import { corsHeaders, preflight } from './cors.ts';
import { KeysError, type SourceKeys } from './keys.ts';
import { checkType, type IntakeRequest, RequestError, requestOf, unpacked } from './request.ts';
import { verified } from './verify.ts';

/** When a sender that waits for nothing else should try again (s). */
const RETRY_AFTER_S = 5;
/** Less at once may be taken. */
const TOO_MUCH: readonly RejectionReason[] = ['OVERSIZE', 'TOO_MANY_EVENTS'];
const NOT_ALL = 'Not all of it could be taken; send it again.';

export interface FrontDoor {
  readonly envelope: EnvelopeName;
  readonly options: CarriageOptions<'http'>;
  readonly keys: Pick<SourceKeys, 'current' | 'newer'>;
  readonly intake: Intake;
  /**
   * Puts all that the record was taken apart into where it belongs.
   * @throws where what is refused, forgotten or missing could not be kept: the sender has to send it again
   */
  readonly take: (record: IntakeRecord, taken: Taken) => Promise<TakeResult>;
  /** ms UTC. */
  readonly now: () => number;
  /** Tells of an error of ours; the sender gets no word of it. */
  readonly onError: (error: unknown) => void;
}

/**
 * 2xx: everything is on the stream or in the quarantine. 4xx: to send the same again would not help. 503: it may, and nothing
 * is promised of this time.
 */
export async function answer(door: FrontDoor, event: APIGatewayProxyEventV2): Promise<Answer> {
  let cors: Record<string, string> = {};
  try {
    const request = requestOf(event);
    cors = corsHeaders(door.options.origins, request);
    const answered = await answerOf(door, request, cors);
    return { ...answered, headers: { ...answered.headers, ...cors } };
  } catch (error) {
    const answered = failureOf(door, error);
    return { ...answered, headers: { ...answered.headers, ...cors } };
  }
}

function answerOf(door: FrontDoor, request: IntakeRequest, cors: Record<string, string>): Answer | Promise<Answer> {
  if (request.method === 'OPTIONS') return preflight(cors);
  if (request.method === 'GET') return challenge(door, request);
  return received(door, request);
}

/** X asks whether we know the secret; nobody else sends a GET. */
async function challenge({ options, keys }: FrontDoor, { query }: IntakeRequest): Promise<Answer> {
  if (options.verify.scheme !== 'x') throw new RequestError(405, 'method: found GET; allowed: POST.');
  const [secret] = await keys.current();
  const answered = crcAnswer(query.crc_token, secret!);
  if (answered === null)
    throw new RequestError(400, 'crc_token: found none, or one too long; allowed: up to 1024 characters.');
  return json(200, answered);
}

async function received(door: FrontDoor, request: IntakeRequest): Promise<Answer> {
  const { envelope, intake, take, now } = door;
  checkType(envelope, request);
  const verdict = await checked(door, request);
  if (!verdict.ok) return failed(401, verdict.detail);
  const body = unpacked(request);
  const record = { raw: body, context: { received_ms: now(), carriage: 'http' as const } };
  const taken = intake(record.raw, record.context);
  const unreadable = unreadableIn(taken);
  if (unreadable !== null) return failed(TOO_MUCH.includes(unreadable.reason) ? 413 : 400, unreadable.detail);
  const { failed: left, events, refusedOf } = await take(record, taken);
  if (left.length > 0) return failed(503, NOT_ALL, RETRY_AFTER_S);
  return answerTo(envelope, { events, refused: refusedOf[0]! });
}

/** A signature of no key that we have may be of a newer one. */
async function checked(door: FrontDoor, request: IntakeRequest): Promise<Verdict> {
  const { options, keys, now } = door;
  const body = () => unpacked(request);
  const verdict = verified(options.verify, request, body, await keys.current(), now());
  if (verdict.ok || verdict.kind !== 'mismatch') return verdict;
  const newer = await keys.newer();
  return newer === null ? verdict : verified(options.verify, request, body, newer, now());
}

/**
 * Nothing of the body could be read: its sender keeps it, and we don't. What a map refuses has a kind, since it was read, and
 * is ours to keep.
 */
function unreadableIn({ events, refused, ignored, erasures, gaps }: Taken): Taken['refused'][number] | null {
  const nothing = events.length + ignored.size + erasures.length + gaps.length === 0;
  return nothing && refused.every(({ kind }) => kind === undefined) ? (refused[0] ?? null) : null;
}

function failureOf({ onError }: FrontDoor, error: unknown): Answer {
  if (error instanceof RequestError) return failed(error.status, error.message);
  onError(error);
  if (error instanceof KeysError) return failed(503, 'This source has no keys yet; try again.', RETRY_AFTER_S);
  return failed(503, NOT_ALL, RETRY_AFTER_S);
}
