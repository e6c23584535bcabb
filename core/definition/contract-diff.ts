/** What a change of a use case means to whom: contracts to their producers, and what reads them to the readers. */
import type { ContractIR, FeatureViewIR, FieldIR, UseCaseIR } from '../ir/document.ts';
import { onlineView } from '../ir/parts.ts';
import { contractsOf } from '../state/plan.ts';
import { canonicalJson } from '../values/hash.ts';
import { type BreakEffect, contractBreaks } from './compatibility.ts';

/** One change of a contract. */
export interface ContractChange {
  /** `contracts.<event type>[@<schema version>[.<field>[.<rule>]]]` */
  readonly field: string;
  /** What it is now, and was. */
  readonly change: string;
  /** `none`: whoever sent what was right before is right, and means the same. */
  readonly effect: BreakEffect | 'none';
  /** One sentence each: who must change, what is refused from now; what is read, and what old events become. */
  readonly producers: string;
  readonly readers: string;
}

/** One view, before and now. */
export interface ViewChange {
  readonly view: string;
  /** Null: there was none, or there is none any more. */
  readonly before: string | null;
  readonly now: string | null;
  /** Features whose own definition is another. */
  readonly features: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
  };
  /** Contracts that it reads, and that changed: they are part of its definition. */
  readonly contracts: readonly string[];
  /** Kept up online: a new version takes a backfill, and a model of its own where there is one. */
  readonly online: boolean;
}

export interface UseCaseDiff {
  readonly changes: readonly ContractChange[];
  readonly views: readonly ViewChange[];
  /** No change breaks producers or readers. */
  readonly compatible: boolean;
}

/** @param before as it was released, or stands in a revision */
export function useCaseDiff(before: UseCaseIR, now: UseCaseIR): UseCaseDiff {
  const breaks = contractBreaks(before.contracts, now.contracts).map(
    ({ field, found, allowed, effect }): ContractChange => ({
      ...{ field, effect, ...MEANING[effect] },
      change: `found ${found}; allowed: ${allowed}`,
    }),
  );
  const found = [...breaks, ...additions(before.contracts, now.contracts)];
  const changes = [...found, ...orders(before.contracts, now.contracts, found)];
  return { changes, views: viewChanges(before, now), compatible: breaks.length === 0 };
}

type Meaning = Pick<ContractChange, 'producers' | 'readers'>;

const MEANING: Readonly<Record<BreakEffect, Meaning>> = {
  refused: {
    producers:
      'Events that are sent as before go to the quarantine: producers change first, or get a new schema version.',
    readers: 'Old events stay as they are; of new ones readers lack what is refused.',
  },
  reread: {
    producers: 'Nothing is refused, and what they send means something else: nobody would tell them.',
    readers: 'Old events keep their old meaning, and new ones of the same version have another: features mix the two.',
  },
  lost: {
    producers: 'Nothing is refused; what they send in it is kept as an unknown field.',
    readers: 'Old events still hold it, new ones have it in no column.',
  },
};
const NOBODY = 'Nobody has to change.';

const idOf = ({ event_type, schema_version }: ContractIR) => `${event_type}@${schema_version}`;

/** What breaks nobody. */
function additions(before: readonly ContractIR[], now: readonly ContractIR[]): ContractChange[] {
  const old = new Map(before.map((contract) => [idOf(contract), contract]));
  const types = new Set(before.map(({ event_type }) => event_type));
  return now.flatMap((contract): ContractChange[] => {
    const known = old.get(idOf(contract));
    if (known) return wider(known, contract);
    const fields = contract.fields.map(({ name }) => name).join(', ') || 'none';
    return [
      {
        field: `contracts.${idOf(contract)}`,
        change: `a new ${types.has(contract.event_type) ? 'schema version' : 'event type'} with the fields ${fields}`,
        effect: 'none',
        producers: 'Events of it are admitted from now; what was refused of it before can be put back.',
        readers: 'There are no old events of it, but for what is put back.',
      },
    ];
  });
}

/** What differs in nothing else: a definition is a list, and its hash is of that list. */
function orders(
  before: readonly ContractIR[],
  now: readonly ContractIR[],
  found: readonly ContractChange[],
): ContractChange[] {
  const old = new Map(before.map((contract) => [idOf(contract), canonicalJson(contract)]));
  return now.flatMap((contract): ContractChange[] => {
    const [field, was] = [`contracts.${idOf(contract)}`, old.get(idOf(contract))];
    if (was === undefined || was === canonicalJson(contract)) return [];
    if (found.some((change) => change.field === field || change.field.startsWith(`${field}.`))) return [];
    const readers = 'Nothing is read otherwise; views that read it get a new version.';
    return [{ field, change: 'another order of what it lists', effect: 'none', producers: NOBODY, readers }];
  });
}

function wider(before: ContractIR, now: ContractIR): ContractChange[] {
  const at = `contracts.${idOf(now)}`;
  const changes: ContractChange[] = [];
  const add = (field: string, change: string, readers: string, producers = NOBODY) =>
    changes.push({ field: `${at}.${field}`, change, effect: 'none', producers, readers });
  const fields = new Map(before.fields.map((field) => [field.name, field]));
  for (const field of now.fields) {
    const old = fields.get(field.name);
    if (old) widerField(old, field, add);
    else if (!field.required)
      add(
        field.name,
        `a new optional ${field.type}`,
        `Old events have ${field.default === undefined ? 'null' : 'its default'} in it, though they may have been sent with it.`,
      );
  }
  for (const column of now.derived) {
    const old = before.derived.find(({ name }) => name === column.name);
    if (!old) add(column.name, 'a new derived column', 'Old events have null in it.');
    else if (isWider(old, column)) add(column.name, 'a wider range', RANGE);
  }
  const zones = [before.time_zone, now.time_zone].map((zone) => canonicalJson(zone ?? null));
  if (before.time_zone?.name === now.time_zone?.name && zones[0] !== zones[1])
    add('timeZone', 'newer data of the same zone', 'Old events keep their times; new ones are read by the newer data.');
  if (now.max_future_ms > before.max_future_ms)
    add(
      'maxFuture',
      `${now.max_future_ms} ms, was ${before.max_future_ms} ms`,
      'More events are clamped, and fewer refused.',
    );
  if ((now.min_event_time ?? 0) < (before.min_event_time ?? 0))
    add('minEventTime', 'an earlier one', 'Older events are admitted.');
  return changes;
}

type Add = (field: string, change: string, readers: string) => void;

function widerField(before: FieldIR, now: FieldIR, add: Add): void {
  const { name } = now;
  if (before.required && !now.required)
    add(
      name,
      'a field made optional',
      `New events may have ${now.default === undefined ? 'null' : 'its default'} in it; null is skipped by features.`,
    );
  if (before.type === 'enum' && now.type === 'enum') {
    const more = now.values.filter((value) => !before.values.includes(value));
    if (more.length > 0)
      add(
        `${name}.values`,
        `also ${more.join(', ')}`,
        'Counts by value see more of them; a model that was trained on the old ones does not know these.',
      );
  }
  if (before.type === 'string' && now.type === 'string' && now.max_length > before.max_length)
    add(`${name}.maxLength`, `${now.max_length}, was ${before.max_length}`, 'Texts may be longer.');
  if (before.type === now.type && scaleOf(before) === scaleOf(now) && isWider(before, now))
    add(name, 'a wider range', RANGE);
}

const RANGE = 'Sums and extremes may be larger than before.';
const scaleOf = (field: FieldIR) => (field.type === 'decimal' ? field.scale : 0);

type Bounded = { readonly min?: number; readonly max?: number } | object;

function isWider(before: Bounded, now: Bounded): boolean {
  const bounds = (of: Bounded) => ({ min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY, ...of });
  return bounds(now).min < bounds(before).min || bounds(now).max > bounds(before).max;
}

/** Views whose version is another, in the order of `now`; those that are gone behind them. */
function viewChanges(before: UseCaseIR, now: UseCaseIR): ViewChange[] {
  const old = new Map(before.views.map((view) => [view.name, view]));
  const gone = before.views.filter(({ name }) => !now.views.some((view) => view.name === name));
  const pairs = [
    ...now.views.map((view) => [old.get(view.name), view] as const),
    ...gone.map((view) => [view, undefined] as const),
  ];
  return pairs.flatMap(([was, is]): ViewChange[] => {
    if (was?.version === is?.version) return [];
    const view = (is ?? was)!.name;
    const online = onlineView(is ? now : before).name === view;
    const contracts = is && was ? changedContracts(before, now, is) : [];
    return [
      {
        ...{ view, online, contracts, before: was?.version ?? null, now: is?.version ?? null },
        features: featureChanges(was?.features ?? [], is?.features ?? []),
      },
    ];
  });
}

function changedContracts(before: UseCaseIR, now: UseCaseIR, view: FeatureViewIR): string[] {
  const texts = (ir: UseCaseIR) =>
    new Map(contractsOf(view, ir.contracts).map((contract) => [idOf(contract), canonicalJson(contract)]));
  const [was, is] = [texts(before), texts(now)];
  return [...new Set([...was.keys(), ...is.keys()])].filter((id) => was.get(id) !== is.get(id)).sort();
}

type Features = FeatureViewIR['features'];

function featureChanges(before: Features, now: Features): ViewChange['features'] {
  const texts = (features: Features) =>
    new Map(features.map(({ description: _, ...feature }) => [feature.name, canonicalJson(feature)]));
  const [was, is] = [texts(before), texts(now)];
  return {
    added: [...is.keys()].filter((name) => !was.has(name)),
    removed: [...was.keys()].filter((name) => !is.has(name)),
    changed: [...is.keys()].filter((name) => was.has(name) && was.get(name) !== is.get(name)),
  };
}
