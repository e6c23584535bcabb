/** What each provider wants to hear. */
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { EnvelopeName } from '../../core/ir/document.ts';

export type Answer = APIGatewayProxyStructuredResultV2 & { readonly statusCode: number };

export interface Counts {
  /** Put on the stream. */
  readonly events: number;
  /** Kept in the quarantine. */
  readonly refused: number;
}

export function json(statusCode: number, body: object): Answer {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** All of it is on the stream or in the quarantine. */
export function taken(envelope: EnvelopeName, { events, refused }: Counts): Answer {
  switch (envelope) {
    case 'salesforce_outbound':
      return { statusCode: 200, headers: { 'content-type': 'text/xml; charset=utf-8' }, body: ACK };
    case 'otlp_logs':
      // https://opentelemetry.io/docs/specs/otlp/#partial-success-1: the client must not send what was rejected again.
      return json(
        200,
        refused === 0 ? {} : { partialSuccess: { rejectedLogRecords: String(refused), errorMessage: KEPT } },
      );
    default:
      return json(200, { events, refused });
  }
}

const KEPT = 'Some records could not be read or mapped; they are kept in the quarantine.';
/** For all notifications of a message at once: there is no other answer. */
const ACK =
  '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>';

/**
 * @param message a sentence for the sender. OTLP reads `message` of a Status
 * @param retryAfter_s when it is worth to try again
 */
export function failed(statusCode: number, message: string, retryAfter_s?: number): Answer {
  const answer = json(statusCode, { message });
  return retryAfter_s === undefined
    ? answer
    : { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfter_s) } };
}
