/** Requests of web pages: who may send, and what a browser asks before. */
import type { Answer } from './answers.ts';
import { type IntakeRequest, RequestError } from './request.ts';

/** How long a browser remembers what it may do (s): Chromium's own limit. */
const MAX_AGE_S = 7200;

/**
 * The headers of an answer to a page. A page of another origin is refused, and not only kept from reading the answer: a beacon
 * reads none.
 * @param origins as the source says. Of other senders, which say no origin, nothing is asked
 * @throws RequestError 403
 */
export function corsHeaders(origins: readonly string[], { headers }: IntakeRequest): Record<string, string> {
  const { origin } = headers;
  if (origins.length === 0 || origin === undefined) return {};
  if (!origins.includes('*') && !origins.includes(origin))
    throw new RequestError(403, 'origin: found a page that may not send; allowed: the origins of this source.');
  return { 'access-control-allow-origin': origin, vary: 'origin' };
}

/** The answer to what a browser asks before it sends JSON to another origin. */
export function preflight(cors: Readonly<Record<string, string>>): Answer {
  return {
    statusCode: 204,
    headers: {
      ...cors,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, content-type',
      'access-control-max-age': String(MAX_AGE_S),
    },
  };
}
