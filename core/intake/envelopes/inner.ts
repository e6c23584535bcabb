/** Envelopes that a record of Kafka may carry. */
import type { Envelope } from '../envelope.ts';
import { debezium } from './debezium.ts';
import { dms } from './dms.ts';

export const INNER_ENVELOPES = { debezium, dms } as const satisfies Readonly<Record<string, Envelope>>;
