/** What can be said of an envelope and of a way by which records come: the same in every stage, and nothing secret. */
import { z } from 'zod';
import type { CARRIAGES, ENVELOPES } from './source-schema.ts';

const none = z.strictObject({});
const text = z.string().min(1);

/** How the rows of a table are told apart. */
const rows = {
  /** Columns that no two rows have alike. */
  key: z.array(text).min(1),
  /** Column that every change of a row changes: a row of the same version is the same event. */
  version: text,
  /** Column that says that a row was deleted (true, or a time), such as `_fivetran_deleted`. Absent: no deleted row is kept. */
  deleted: text.optional(),
};
const header = z.string().regex(/^[A-Za-z0-9-]+$/, 'the name of a header');

/** Of Salesforce: 15 or 18 letters and digits. */
const organisation = z
  .string()
  .regex(/^00D[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$/, 'the id of an organisation such as 00D000000000001EAA');

/** Envelopes, by their names. */
export const ENVELOPE_OPTIONS = {
  /** A JSON object, or with `each` the members of the array at that pointer (empty: the document itself is the array). */
  json: z.strictObject({ each: z.string().optional(), id: z.string().optional(), kind: z.string().optional() }),
  stripe: none,
  salesforce_cdc: z.strictObject({
    /** The only organisation whose relay may send. Absent: any. */
    organisation: organisation.optional(),
  }),
  salesforce_outbound: z.strictObject({
    /** The organisation that may send: nothing else is a proof of it but the key in the address. */
    organisation,
  }),
  x_activity: none,
  x_account_activity: none,
  segment: none,
  otlp_logs: none,
  cloudwatch_logs: none,
  iot: none,
  dms: none,
  debezium: none,
  dynamodb: none,
  /** The value is JSON of its own, or with `inner` a record of that envelope. */
  kafka: z.strictObject({ inner: z.enum(['debezium', 'dms']).optional() }),
  /** Lines of files: texts that stand for nothing, such as NA. An empty field of a CSV is nothing anyway. */
  rows: z.strictObject({ nulls: z.array(z.string()).default([]) }),
  canonical: none,
} as const satisfies Record<(typeof ENVELOPES)[number], z.ZodObject>;

/** Ways, by their kinds. */
export const CARRIAGE_OPTIONS = {
  http: z.strictObject({
    /** How a request proves who sent it; its keys stand in the source's secret. */
    verify: z.discriminatedUnion('scheme', [
      /** HMAC-SHA256 over `<timestamp>.<body>` in hex or base64; the timestamp in seconds, at most `toleranceSeconds` from our clock. */
      z.strictObject({
        scheme: z.literal('hmac'),
        signature: header.default('x-signature'),
        timestamp: header.default('x-timestamp'),
        toleranceSeconds: z.int().min(1).max(3600).default(300),
      }),
      /** `Stripe-Signature`, by the endpoint's signing secret. */
      z.strictObject({ scheme: z.literal('stripe') }),
      /** `x-twitter-webhooks-signature`, and the answers to X's challenges, by the app's consumer secret. */
      z.strictObject({ scheme: z.literal('x') }),
      /** `X-Signature` of Segment's webhook destination, by its shared secret. */
      z.strictObject({ scheme: z.literal('segment') }),
      /** A write key: in `Authorization` (Bearer or Basic), `?key=`, or `writeKey` of a JSON body. Of browsers it is no secret. */
      z.strictObject({ scheme: z.literal('key') }),
      /** A key as the last part of the address, for a sender that can't sign: nobody else may know the address. */
      z.strictObject({ scheme: z.literal('path') }),
    ]),
    /** Web pages that may send from a browser (CORS): `https://shop.example`; with `*` any page. */
    origins: z
      .array(z.string().regex(/^(\*|https?:\/\/[a-z0-9.-]+(:\d{1,5})?)$/, 'an origin such as https://shop.example'))
      .default([]),
  }),
  bus: z.strictObject({
    /** Of a bus that others use, too: only events of these sources. Absent: all; of a partner's bus the partner's. */
    sources: z.array(z.string().min(1)).min(1).optional(),
    /** Only events of these detail types, such as invoice.paid: what no rule of the map asks for need not be paid for. */
    detailTypes: z.array(z.string().min(1)).min(1).optional(),
  }),
  kinesis: none,
  dynamodb: none,
  kafka: none,
  logs: none,
  iot: none,
  /** Objects of a bucket. What is packed by gzip is told by its bytes. */
  files: z.strictObject({
    /** `ndjson`: a JSON value a line. `json`: one array, or values one after another, on one line or over several. `csv`. `cloudfront`, `alb`: access logs of AWS. */
    format: z.enum(['ndjson', 'json', 'csv', 'cloudfront', 'alb']).default('ndjson'),
    /** Between the values of `csv`. */
    delimiter: z.enum([',', ';', '\t', '|']).default(','),
    /** The columns of a `csv` without a header line. Absent: its first line names them. */
    columns: z
      .array(z.string().min(1))
      .min(1)
      .refine((names) => new Set(names).size === names.length, 'names, each once')
      .optional(),
  }),
  /** A table of the Glue catalog, read again and again. */
  table: z.strictObject({
    ...rows,
    /** Column that says when a row came into the table, such as `_fivetran_synced`. Absent: without it a table that is merged on read is read whole. */
    arrived: text.optional(),
    /** How much earlier than the newest a row may say that it came, and yet be new (s). */
    overlapSeconds: z.int().min(0).max(604_800).default(3600),
  }),
  /** A table of a database; `version` is a time that every change sets. */
  jdbc: z.strictObject({
    ...rows,
    /** Longer than any transaction, and than the clocks of those who write are apart (s). */
    overlapSeconds: z.int().min(1).max(604_800).default(900),
  }),
} as const satisfies Record<(typeof CARRIAGES)[number], z.ZodObject>;

export type EnvelopeOptions<Name extends keyof typeof ENVELOPE_OPTIONS> = z.output<(typeof ENVELOPE_OPTIONS)[Name]>;
export type CarriageOptions<Kind extends keyof typeof CARRIAGE_OPTIONS> = z.output<(typeof CARRIAGE_OPTIONS)[Kind]>;
