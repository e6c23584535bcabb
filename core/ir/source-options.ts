/** What can be said of an envelope and of a way by which records come: the same in every stage, and nothing secret. */
import { z } from 'zod';
import type { CARRIAGES, ENVELOPES } from './source-schema.ts';

const none = z.strictObject({});
const header = z.string().regex(/^[A-Za-z0-9-]+$/, 'the name of a header');

/** Envelopes, by their names. */
export const ENVELOPE_OPTIONS = {
  /** A JSON object, or with `each` the members of the array at that pointer (empty: the document itself is the array). */
  json: z.strictObject({ each: z.string().optional(), id: z.string().optional(), kind: z.string().optional() }),
  stripe: none,
  salesforce_cdc: none,
  salesforce_outbound: none,
  x_activity: none,
  x_account_activity: none,
  segment: none,
  otlp_logs: none,
  cloudwatch_logs: none,
  iot: none,
  dms: none,
  debezium: none,
  dynamodb: none,
  kafka: none,
  rows: none,
  canonical: none,
} as const satisfies Record<(typeof ENVELOPES)[number], z.ZodObject>;

/** Ways, by their kinds. */
export const CARRIAGE_OPTIONS = {
  http: z.strictObject({
    /** How a request proves who sent it; its keys stand in the source's secret. */
    verify: z.discriminatedUnion('scheme', [
      /** Hex HMAC-SHA256 over `<timestamp>.<body>`; the timestamp in seconds, at most `toleranceSeconds` from our clock. */
      z.strictObject({
        scheme: z.literal('hmac'),
        signature: header.default('x-signature'),
        timestamp: header.default('x-timestamp'),
        toleranceSeconds: z.int().min(1).max(3600).default(300),
      }),
    ]),
  }),
  bus: none,
  kinesis: none,
  dynamodb: none,
  kafka: none,
  logs: none,
  iot: none,
  files: none,
  table: none,
  jdbc: none,
} as const satisfies Record<(typeof CARRIAGES)[number], z.ZodObject>;

export type EnvelopeOptions<Name extends keyof typeof ENVELOPE_OPTIONS> = z.output<(typeof ENVELOPE_OPTIONS)[Name]>;
export type CarriageOptions<Kind extends keyof typeof CARRIAGE_OPTIONS> = z.output<(typeof CARRIAGE_OPTIONS)[Kind]>;
