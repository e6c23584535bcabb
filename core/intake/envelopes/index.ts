/** All envelopes by their names. */
import type { EnvelopeName } from '../../ir/document.ts';
import type { Envelope } from '../envelope.ts';
import { canonical } from './canonical.ts';
import { json } from './json.ts';
import { otlpLogs } from './otlp-logs.ts';
import { salesforceOutbound } from './salesforce-outbound.ts';
import { segment } from './segment.ts';
import { stripe } from './stripe.ts';
import { xAccountActivity } from './x-account-activity.ts';
import { xActivity } from './x-activity.ts';

// biome-ignore lint/suspicious/noExplicitAny: each reads options of its own shape, which were checked by its name
const ALL: Partial<Record<EnvelopeName, Envelope<any>>> = {
  canonical,
  json,
  stripe,
  salesforce_outbound: salesforceOutbound,
  x_activity: xActivity,
  x_account_activity: xAccountActivity,
  segment,
  otlp_logs: otlpLogs,
};

/** @throws Error for a name that a document may have and nothing here reads: a defect of ours */
export function envelopeOf(name: EnvelopeName): Envelope {
  const envelope = ALL[name];
  if (!envelope)
    throw new Error(
      `envelope ${name}: found no module in core/intake/envelopes; allowed: ${Object.keys(ALL).join(', ')}`,
    );
  return envelope;
}
