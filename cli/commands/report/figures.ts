/** What a week comes to. Pure. */
import type { AlertIR, UseCaseIR } from '../../../core/ir/document.ts';
import { isHeldOut } from '../../../core/scores/policy.ts';
import { difference, type Share } from '../../../core/scores/two-shares.ts';
import { lastWords, type Outcome, type OutcomeName } from '../../../engine/alerting/outcome.ts';
import type { RaisedAlert, RaisedAlerts } from './read.ts';
import type { Week } from './week.ts';

/** By alert id: whether what was predicted came true; an alert that is missing waits for its label, or has none. */
export type Labels = ReadonlyMap<string, boolean>;

export interface FlaggedRow {
  readonly alert: RaisedAlert;
  /** `told`, `waiting`, or the rule by which nobody was told. */
  readonly fate: string;
  readonly outcome: Outcome | undefined;
  /** Undefined: not known yet, or never. */
  readonly label: boolean | undefined;
}

/** Customers at risk, by what found them. */
export interface FoundBy {
  /** At least once by an event of theirs. */
  readonly event: number;
  /** Only because they fell silent. */
  readonly silence: number;
}

/** Those left alone by chance against those told of: each customer once, at their first alert. */
export interface Comparison {
  readonly told: Share;
  readonly held_out: Share;
  readonly difference: ReturnType<typeof difference>;
  /** Customers of both groups whose label is not known yet. */
  readonly awaiting: number;
}

export interface WeekFigures {
  readonly rows: readonly FlaggedRow[];
  readonly fates: Readonly<Record<string, number>>;
  readonly found_by: FoundBy;
  readonly outcomes: Readonly<Record<OutcomeName | 'unsaid', number>>;
  readonly comparison: Comparison;
}

const SWEEP = 'sweep';

/** @param alerts in any order; whoever was found by an event at least once is found by an event */
export function foundBy(alerts: readonly { readonly entity_id: string; readonly trigger: string | null }[]): FoundBy {
  const all = new Set(alerts.map(({ entity_id }) => entity_id));
  const by = new Set(alerts.flatMap(({ entity_id, trigger }) => (trigger === SWEEP ? [] : [entity_id])));
  return { event: by.size, silence: all.size - by.size };
}

/** @param week what rows and counts are of; the comparison is over all alerts before its end */
export function figuresOf(
  { name, alerts: policy }: Pick<UseCaseIR, 'name'> & { readonly alerts: AlertIR },
  { alerts, outcomes }: RaisedAlerts,
  labels: Labels,
  { from, to }: Week,
): WeekFigures {
  const said = lastWords(outcomes.filter(({ said_at }) => said_at < to));
  const rows = alerts
    .filter(({ t }) => t >= from && t < to)
    .map(
      (alert): FlaggedRow => ({
        alert,
        fate: fateOf(alert),
        outcome: said.get(alert.alert_id),
        label: labels.get(alert.alert_id),
      }),
    );
  const fates: Record<string, number> = {};
  for (const { fate } of rows) fates[fate] = (fates[fate] ?? 0) + 1;
  const told = rows.filter(({ fate }) => fate === 'told');
  const counts = { reached: 0, saved: 0, wrong: 0, unsaid: 0 };
  for (const { outcome } of told) counts[outcome?.outcome ?? 'unsaid']++;
  const before = alerts.filter(({ t }) => t < to);
  return {
    rows,
    fates,
    found_by: foundBy(rows.map(({ alert }) => alert)),
    outcomes: counts,
    comparison: compare(name, policy, before, labels),
  };
}

const fateOf = ({ rule, waiting }: RaisedAlert): string => (waiting === undefined ? (rule ?? 'told') : 'waiting');

/** Who is in which group is by their id: nobody can be in both. @param alerts by `t` */
function compare(name: string, policy: AlertIR, alerts: readonly RaisedAlert[], labels: Labels): Comparison {
  const groups = { told: { hits: 0, of: 0 }, held_out: { hits: 0, of: 0 } };
  const seen = new Set<string>();
  let awaiting = 0;
  for (const alert of alerts) {
    const fate = fateOf(alert);
    if ((fate !== 'told' && fate !== 'hold_out') || seen.has(alert.entity_id)) continue;
    seen.add(alert.entity_id);
    // Of a time with another share, those who changed sides say nothing.
    if (isHeldOut(policy, name, alert.entity_id) !== (fate === 'hold_out')) continue;
    const label = labels.get(alert.alert_id);
    if (label === undefined) awaiting++;
    else {
      const group = groups[fate === 'told' ? 'told' : 'held_out'];
      group.of++;
      if (label) group.hits++;
    }
  }
  return { ...groups, difference: difference(groups.told, groups.held_out), awaiting };
}
