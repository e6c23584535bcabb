import { NodeHttpHandler } from '@smithy/node-http-handler';

/**
 * Settings of every client in a function. Throttling and time-outs are tried again by the SDK, with backoff and jitter, well
 * within a function's time: a hanging connection must not use all of it up. A write whose answer was lost meets its own
 * condition then, and is read again.
 */
export function patient() {
  return { maxAttempts: 5, requestHandler: new NodeHttpHandler({ connectionTimeout: 2000, socketTimeout: 8000 }) };
}
