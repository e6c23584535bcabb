/** All envelopes by their names. */
import type { EnvelopeName } from '../../ir/document.ts';
import type { Envelope } from '../envelope.ts';
import { canonical } from './canonical.ts';
import { cloudwatchLogs } from './cloudwatch-logs.ts';
import { debezium } from './debezium.ts';
import { dms } from './dms.ts';
import { dynamodb } from './dynamodb.ts';
import { iot } from './iot.ts';
import { json } from './json.ts';
import { kafka } from './kafka.ts';
import { otlpLogs } from './otlp-logs.ts';
import { rows } from './rows.ts';
import { salesforceCdc } from './salesforce-cdc.ts';
import { salesforceOutbound } from './salesforce-outbound.ts';
import { segment } from './segment.ts';
import { stripe } from './stripe.ts';
import { xAccountActivity } from './x-account-activity.ts';
import { xActivity } from './x-activity.ts';

// biome-ignore lint/suspicious/noExplicitAny: each reads options of its own shape, which were checked by its name
const ALL: Record<EnvelopeName, Envelope<any>> = {
  canonical,
  cloudwatch_logs: cloudwatchLogs,
  debezium,
  dms,
  dynamodb,
  iot,
  json,
  kafka,
  otlp_logs: otlpLogs,
  rows,
  salesforce_cdc: salesforceCdc,
  salesforce_outbound: salesforceOutbound,
  segment,
  stripe,
  x_account_activity: xAccountActivity,
  x_activity: xActivity,
};

/** The module of an envelope. */
export const envelopeOf = (name: EnvelopeName): Envelope => ALL[name];
