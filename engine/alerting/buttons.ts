/** The buttons under an alert in Slack, and what they send back. */
import { z } from 'zod';
import { OUTCOMES, type OutcomeName } from './outcome.ts';

/** What the ids of the buttons begin with. */
export const OUTCOME_ACTION = 'outcome_';
/** Which alert a button is of. */
export const buttonValue = z.strictObject({
  alert_id: z.string().min(1).max(64),
  entity_id: z.string().min(1).max(1024),
  t: z.int().nonnegative(),
});

const WORDS: Readonly<Record<OutcomeName, string>> = { reached: 'Reached', saved: 'Saved', wrong: 'Not at risk' };

/** A block of Slack's Block Kit. */
export function buttonsOf({ alert_id, entity_id, t }: z.infer<typeof buttonValue>): object {
  return {
    type: 'actions',
    elements: OUTCOMES.map((outcome) => ({
      type: 'button',
      text: { type: 'plain_text', text: WORDS[outcome] },
      action_id: `${OUTCOME_ACTION}${outcome}`,
      value: JSON.stringify({ alert_id, entity_id, t }),
    })),
  };
}
