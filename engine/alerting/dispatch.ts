/** Alerts that wait get their turn: the dispatcher, and whoever does its work by hand. */
import type { AlertIR } from '../../core/ir/document.ts';
import { armsAgain, isDoubted, type SuppressionRule, turnsOf, type WaitingAlert } from '../../core/scores/policy.ts';
import { dayOf } from '../../names/lake.ts';
import type { ScoreRates, Turns } from '../ports.ts';

export interface Dispatched {
  readonly released: number;
  readonly suppressed: Readonly<Partial<Record<SuppressionRule, number>>>;
  /** Still waiting. */
  readonly waiting: number;
  /** Whether too many scores are above the threshold, so that nobody is told. */
  readonly doubted: boolean;
}

/**
 * One look at all that wait. May be repeated, and run twice at once: each step is a transaction that finds its alert and room
 * in the day, or does nothing.
 * @param now ms UTC, by the clock of the scores
 */
export async function dispatch<One extends WaitingAlert>(
  { alerts, name }: { readonly alerts: AlertIR; readonly name: string },
  turns: Turns<One>,
  rates: ScoreRates,
  now: number,
): Promise<Dispatched> {
  const capacity = alerts.capacity_per_day ?? null;
  const day = dayOf(now);
  const waiting = await turns.waiting();
  const left = capacity === null ? 0 : capacity - (await turns.released(day));
  const doubted = alerts.guard !== undefined && isDoubted(alerts, await rates.read(now, alerts.guard.window_ms));
  const suppressed: Partial<Record<SuppressionRule, number>> = {};
  let [released, settled, full] = [0, 0, false];
  for (const turn of turnsOf(alerts, name, waiting, now, left, doubted)) {
    if (turn.do === 'close') {
      // Whose place came behind a day that another run filled has not had its turn.
      if (full && turn.rule === 'hold_out') continue;
      const closed = await turns.close(turn.alert, turn.rule, armsAgain(turn.rule));
      settled++;
      if (closed === 'done') suppressed[turn.rule] = (suppressed[turn.rule] ?? 0) + 1;
      continue;
    }
    if (full) continue;
    const answer = await turns.release(turn.alert, day, capacity);
    full = answer === 'full';
    if (answer !== 'full') settled++;
    if (answer === 'done') released++;
  }
  return { released, suppressed, waiting: waiting.length - settled, doubted };
}
