/** A signed request of Slack → an outcome, or an answer that says why there is none. */
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { verifySlack } from '../../core/intake/signatures/slack.ts';
import type { Verdict } from '../../core/intake/signatures/verdict.ts';
import type { Outcome, OutcomeStore } from '../../engine/alerting/outcome.ts';
import { pressIn } from './press.ts';

/** An interaction has the message in it, and Slack's messages end at 100 KB or so. */
const MAX_BODY_BYTES = 512 * 1024;

type Answer = APIGatewayProxyStructuredResultV2 & { readonly statusCode: number };

export interface OutcomeDoor {
  /** The signing secrets that are valid; `newer` null where there are no others. */
  readonly keys: { current(): Promise<readonly string[]>; newer(): Promise<readonly string[] | null> };
  readonly store: OutcomeStore;
  /** Tells the one who pressed; what goes wrong there is not the outcome's. */
  readonly tell: (url: string, text: string) => Promise<void>;
  /** ms UTC. */
  readonly now: () => number;
}

export interface Answered {
  readonly answer: Answer;
  readonly kept: boolean;
}

/** Slack shows a warning to the one who pressed unless it gets 200 within three seconds. @throws when a store fails */
export async function answer(door: OutcomeDoor, event: APIGatewayProxyEventV2): Promise<Answered> {
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (body.length > MAX_BODY_BYTES)
    return refusal(413, `body: found ${body.length} bytes; allowed: up to ${MAX_BODY_BYTES}.`);
  const headers = Object.fromEntries(Object.entries(event.headers).map(([name, value]) => [name.toLowerCase(), value]));
  const verdict = await verified(door, headers, body);
  if (!verdict.ok) return refusal(401, verdict.detail);
  const press = pressIn(body);
  if (press === 'malformed')
    return refusal(400, 'payload: found another form; allowed: a form with the block_actions of our buttons.');
  // Links and other apps' parts are pressed too: Slack wants to hear that we heard.
  if (press === null) return { answer: { statusCode: 200 }, kept: false };
  const kept = (await door.store.keep(press.outcome)) === 'kept';
  if (press.answer_to !== undefined) await door.tell(press.answer_to, kept ? thanks(press.outcome) : GONE);
  return { answer: { statusCode: 200 }, kept };
}

/** With newer secrets, if these do not match: it may have been renewed a moment ago. */
async function verified(
  { keys, now }: OutcomeDoor,
  headers: Readonly<Record<string, string | undefined>>,
  body: Uint8Array,
): Promise<Verdict> {
  const verdict = verifySlack(headers, body, await keys.current(), now());
  if (verdict.ok || verdict.kind !== 'mismatch') return verdict;
  const newer = await keys.newer();
  return newer === null ? verdict : verifySlack(headers, body, newer, now());
}

const GONE = 'There is no such alert any more; nothing was noted.';
const thanks = ({ outcome }: Outcome) => `Noted: ${outcome}. The last word counts; press another button to change it.`;

const refusal = (statusCode: number, message: string): Answered => ({
  answer: { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) },
  kept: false,
});
