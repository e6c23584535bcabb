/** A request as its sender wrote it: bytes and not text, since signatures are over bytes. */
import { gunzipSync } from 'node:zlib';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { EnvelopeName } from '../../core/ir/document.ts';

/** What a request may have, as it comes: an HTTP API takes 10 MB, and no provider sends a tenth of it. */
const MAX_BODY_BYTES = 1024 * 1024;
/** What a packed body may become: some bytes of gzip can be gigabytes. */
const MAX_UNPACKED_BYTES = 5 * 1024 * 1024;

/** The sender is told so, and to send the same again would not help. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface IntakeRequest {
  readonly method: string;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  /** The last part of the path, where the route has one. */
  readonly key: string | undefined;
  /** As they came, unless they were packed and went through a text. */
  readonly bytes: Uint8Array;
  /** An HTTP API has handed them on as text, by their type. */
  readonly isText: boolean;
}

/** @throws RequestError 413 */
export function requestOf(event: APIGatewayProxyEventV2): IntakeRequest {
  const { body = '', isBase64Encoded, headers, queryStringParameters, pathParameters, requestContext } = event;
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > MAX_BODY_BYTES)
    throw new RequestError(
      413,
      `body: found ${bytes.length} bytes; allowed: up to ${MAX_BODY_BYTES}; send fewer events at once.`,
    );
  return {
    method: requestContext.http.method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    query: queryStringParameters ?? {},
    key: pathParameters?.key,
    bytes,
    isText: !isBase64Encoded,
  };
}

/**
 * The body without its packing. An HTTP API decides by the type alone what it hands on as text, and what is packed under
 * `application/json` is damaged by that before it reaches us ("if the content type of the request is binary, the body is
 * base64-encoded", https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
 * @throws RequestError 400 for a packing that is damaged, 413, 415 for another one
 */
export function unpacked({ headers, bytes, isText }: IntakeRequest): Uint8Array {
  const encoding = encodingOf(headers);
  if (encoding === 'identity') return bytes;
  if (encoding !== 'gzip') throw new RequestError(415, 'content-encoding: found another one; allowed: gzip, or none.');
  if (isText)
    throw new RequestError(
      415,
      `content-encoding: found gzip under a type of text, which does not come through as it was; allowed: gzip as ${PACKED}, or none; switch compression off.`,
    );
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new RequestError(
        413,
        `body: found more than ${MAX_UNPACKED_BYTES} bytes in gzip; allowed: up to that; send fewer events at once.`,
      );
    throw new RequestError(400, 'body: found bytes that are no gzip; allowed: what content-encoding says.');
  }
}

const encodingOf = (headers: IntakeRequest['headers']) =>
  headers['content-encoding']?.trim().toLowerCase() || 'identity';

/** The type of what is packed. */
const PACKED = 'application/octet-stream';
/** `text/plain` is what a browser may send to another origin without asking first, and so does `navigator.sendBeacon`. */
const JSON_TYPES = /^(application\/([\w.-]+\+)?json|text\/plain)$/;
const TYPES: { readonly [name in EnvelopeName]?: readonly [RegExp, string] } = {
  salesforce_outbound: [/^(text|application)\/(soap\+)?xml$/, 'text/xml'],
  otlp_logs: [/^application\/json$/, 'application/json; set OTEL_EXPORTER_OTLP_PROTOCOL=http/json in the exporter'],
};

/** A request without a type is read as the envelope's own. @throws RequestError 415 */
export function checkType(envelope: EnvelopeName, { headers }: IntakeRequest): void {
  const given = headers['content-type'];
  if (given === undefined || given === '') return;
  const [type = '', ...parameters] = given
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const [allowed, words] = TYPES[envelope] ?? [JSON_TYPES, 'application/json, or text/plain with JSON in it'];
  if (type === PACKED && encodingOf(headers) === 'gzip') return;
  if (!allowed.test(type)) throw new RequestError(415, `content-type: found another one; allowed: ${words}.`);
  const charset = parameters
    .find((one) => one.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')
    throw new RequestError(415, 'content-type charset: found another one; allowed: utf-8.');
}
