/** Which lines of the quarantine a command is about. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { REJECTION_REASONS, type RejectionReason } from '../../../core/ir/rejection.ts';
import { DAY } from '../../../core/values/time.ts';
import { isReason, type Wanted } from '../../../engine/quarantine/lines.ts';
import { stageOption, useCaseOption } from '../../options.ts';
import type { Target } from '../../stage/resources.ts';
import { sinceOf } from '../redrive/command.ts';

const WEEK = 7 * DAY;

export interface FilterOptions extends Target {
  readonly reason?: readonly RejectionReason[];
  readonly source?: readonly string[];
  readonly eventType?: readonly string[];
  /** ms UTC. */
  readonly since?: number;
  /** ms UTC. */
  readonly until?: number;
  readonly json?: boolean;
}

/** The options by which lines are chosen, and those of every command on a deployment. */
export function filtered(command: Command): Command {
  return command
    .addOption(new Option('--reason <reasons...>', 'only these, such as NOT_IN_ENUM').argParser(reason))
    .option('--source <names...>', 'only what these sources sent; "" is what names none')
    .option('--event-type <types...>', 'only what says it is of these types')
    .option('--since <time>', 'arrived then or later: 7d, 2026-11-20, an ISO time with a zone (default: 7d)', sinceOf)
    .option('--until <time>', 'arrived before then', sinceOf)
    .option('--json', 'print JSON, one object a line')
    .addOption(stageOption())
    .addOption(useCaseOption());
}

function reason(text: string, before: readonly RejectionReason[] = []): RejectionReason[] {
  const given = text.toUpperCase();
  if (!isReason(given)) throw new InvalidArgumentError(`allowed are ${REJECTION_REASONS.join(', ')}.`);
  return [...before, given];
}

export function wantedOf({ reason, source, eventType, since, until }: FilterOptions): Wanted & { since: number } {
  return {
    since: since ?? Date.now() - WEEK,
    ...(until === undefined ? {} : { until }),
    ...(reason && { reasons: new Set(reason) }),
    ...(source && { sources: new Set(source) }),
    ...(eventType && { event_types: new Set(eventType) }),
  };
}
