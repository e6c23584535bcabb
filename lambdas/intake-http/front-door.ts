/** A request of a source → its events on the stream, or an answer that makes its sender keep them. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Intake, Taken } from '../../core/intake/intake.ts';
import type { Verdict } from '../../core/intake/signatures/verdict.ts';
import { crcAnswer } from '../../core/intake/signatures/x.ts';
import type { EnvelopeName } from '../../core/ir/document.ts';
import type { CarriageOptions } from '../../core/ir/source-options.ts';
import { type Answer, taken as answerTo, failed, json } from './answers.ts';
import { corsHeaders, preflight } from './cors.ts';
import { KeysError, type SourceKeys } from './keys.ts';
import { checkType, type IntakeRequest, RequestError, requestOf, unpacked } from './request.ts';
import { verified } from './verify.ts';

/** When a sender that waits for nothing else should try again (s). */
const RETRY_AFTER_S = 5;

export interface FrontDoor {
  readonly envelope: EnvelopeName;
  readonly options: CarriageOptions<'http'>;
  readonly keys: Pick<SourceKeys, 'current' | 'newer'>;
  readonly intake: Intake;
  /** Puts all of it where it belongs. @throws whatever leaves a part of it behind: the sender has to send it again */
  readonly accept: (taken: Taken, received_ms: number) => Promise<void>;
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
  const { envelope, intake, accept, now } = door;
  checkType(envelope, request);
  const verdict = await checked(door, request);
  if (!verdict.ok) return failed(401, verdict.detail);
  const body = unpacked(request);
  const received_ms = now();
  const taken = intake(body, { received_ms, carriage: 'http' });
  const unreadable = unreadableIn(taken);
  if (unreadable !== null) return failed(unreadable.reason === 'OVERSIZE' ? 413 : 400, unreadable.detail);
  await accept(taken, received_ms);
  return answerTo(envelope, { events: taken.events.length, refused: taken.refused.length });
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
  return failed(503, 'Not all of it could be taken; send it again.', RETRY_AFTER_S);
}
