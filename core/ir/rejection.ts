/** Why an event is quarantined: a closed list, so that counts, alarms and re-drives can rely on it. */
export const REJECTION_REASONS = [
  'INVALID_UTF8',
  'MALFORMED_JSON',
  'NOT_AN_OBJECT',
  'OVERSIZE',
  'TOO_DEEP',
  'MALFORMED_AGGREGATE',
  'TOO_MANY_EVENTS',
  'FORBIDDEN_KEY',
  'MISSING_FIELD',
  'INVALID_FIELD',
  'UNKNOWN_EVENT_TYPE',
  'UNSUPPORTED_SCHEMA_VERSION',
  'MISSING_ENTITY',
  'INVALID_EVENT_TIME',
  'EVENT_TIME_IN_FUTURE',
  'OUT_OF_RANGE',
  'NOT_IN_ENUM',
  'DECIMAL_OVERFLOW',
  'DUPLICATE_EVENT_ID',
  'INVALID_ENVELOPE',
] as const;

export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** What makes a record no event; the message names the field, the found type and what is allowed, never the payload. */
export class Rejection extends Error {
  override readonly name = 'Rejection';
  readonly reason: RejectionReason;

  constructor(reason: RejectionReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}
