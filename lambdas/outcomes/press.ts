/** A press of a button as Slack sends it: `payload=<JSON>`, a form. */
import { z } from 'zod';
import { buttonValue, OUTCOME_ACTION } from '../../engine/alerting/buttons.ts';
import { OUTCOMES, type Outcome, outcomeId } from '../../engine/alerting/outcome.ts';

/** https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
const payloadSchema = z.looseObject({
  type: z.string(),
  user: z.looseObject({ id: z.string().regex(/^[A-Z0-9]{1,32}$/) }),
  response_url: z.string().optional(),
  actions: z
    .array(
      z.looseObject({
        action_id: z.string(),
        value: z.string().optional(),
        /** Seconds with six decimals. */
        action_ts: z.string().regex(/^\d{1,12}(\.\d{1,6})?$/),
      }),
    )
    .default([]),
});

export interface Press {
  readonly outcome: Outcome;
  /** Where Slack takes an answer to the one who pressed. */
  readonly answer_to: string | undefined;
}

/** @returns null for an interaction that is none of our buttons; `malformed` for what Slack does not send */
export function pressIn(body: Uint8Array): Press | null | 'malformed' {
  const payload = payloadSchema.safeParse(
    jsonIn(new URLSearchParams(Buffer.from(body).toString('utf8')).get('payload')),
  );
  if (!payload.success) return 'malformed';
  const { user, response_url, actions } = payload.data;
  const [pressed] = actions;
  const outcome = OUTCOMES.find((name) => pressed?.action_id === `${OUTCOME_ACTION}${name}`);
  if (!pressed || !outcome) return null;
  const value = buttonValue.safeParse(jsonIn(pressed.value ?? null));
  if (!value.success) return 'malformed';
  const said = { ...value.data, outcome, said_by: user.id, said_at: Math.floor(Number(pressed.action_ts) * 1000) };
  return { outcome: { outcome_id: outcomeId(said), ...said }, answer_to: response_url };
}

function jsonIn(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
