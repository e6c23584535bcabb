import { emptyTally, FAULT_KINDS } from './profile.ts';
import type { Outcome } from './simulate.ts';

/** The sums over many seeds. */
export class Total {
  readonly faults = emptyTally();
  seeds = 0;
  events = 0;
  values = 0;
  inexact = 0;
  laterCopies = 0;
  toHeal = 0;
  /** ms of virtual time, of the slowest seed. */
  drained = 0;

  add(outcome: Outcome): void {
    this.seeds++;
    this.events += outcome.events;
    this.values += outcome.values;
    this.inexact += outcome.inexact;
    this.laterCopies += outcome.laterCopies;
    this.toHeal += outcome.toHeal;
    this.drained = Math.max(this.drained, outcome.drained);
    for (const kind of FAULT_KINDS) this.faults[kind] += outcome.tally[kind];
  }

  /** One line: seeds, events, faults by kind. */
  toString(): string {
    const faults = FAULT_KINDS.map((kind) => `${kind} ${this.faults[kind]}`).join(', ');
    return `${this.seeds} seeds, ${this.events} events; ${faults}`;
  }
}

/** What went wrong in a seed, and how to run it alone. */
export function failureOf({ seed, violations }: Outcome): string {
  const shown = violations.slice(0, 5).map((one) => `  ${one}`);
  const more = violations.length > shown.length ? [`  and ${violations.length - shown.length} more`] : [];
  return [`seed ${seed} violates:`, ...shown, ...more, `  again: npm run simulate -- --seeds 1 --from ${seed}`].join(
    '\n',
  );
}
