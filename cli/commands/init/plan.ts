/** What is written of a file: names, fields, windows, and the instants that a model can learn from. */
import { DAY, HOUR } from '../../../core/values/time.ts';
import { camel, nameOf, snake } from './names.ts';
import type { Column } from './profile/column.ts';
import { fieldOf, type LeftOut, nullsOf, type PlannedField } from './profile/fields.ts';
import { isPersonal } from './profile/meaning.ts';
import type { Profile } from './profile/profile.ts';
import type { Roles } from './roles.ts';

/** SageMaker's names have room for no more: lib/config/stage-config.ts. */
export const MAX_USE_CASE = 32;

export interface Instants {
  /** ms UTC, at the begin of a day. */
  readonly from: number;
  readonly to: number;
  readonly every_ms: number;
}

export interface Learning {
  readonly horizon_ms: number;
  readonly train: Instants;
  readonly validation: Instants;
  readonly test: Instants;
}

/** How files of this kind are read where they land; null: they are not, and rows have to come as lines of JSON. */
export type FileWay =
  | { readonly format: 'csv'; readonly delimiter: string }
  | { readonly format: 'ndjson' | 'json' }
  | null;

export interface Plan {
  readonly useCase: string;
  readonly entity: string;
  readonly eventType: string;
  /** What the contract is called in the code. */
  readonly contract: string;
  readonly source: string;
  readonly profile: Profile;
  readonly roles: Roles;
  readonly nulls: readonly string[];
  readonly way: FileWay;
  readonly fields: readonly PlannedField[];
  readonly leftOut: readonly LeftOut[];
  /** Three, the shortest first, ms. */
  readonly windows: readonly [number, number, number];
  /** Null where the file is too short to learn from. */
  readonly learning: Learning | null;
}

export interface Naming {
  readonly useCase: string;
  readonly eventType: string;
  readonly source: string;
}

/** Words of the language, and what the written files import. */
export const WORDS: ReadonlySet<string> = new Set(
  'break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield await at contract count derived div expr field first features firstOf histogram last max mean min model mul rule silent source sub sum view'.split(
    ' ',
  ),
);

export function planOf(profile: Profile, roles: Roles, { useCase, eventType, source }: Naming, way: FileWay): Plan {
  const nulls = nullsOf(profile.columns);
  const around = { rows: profile.rows, nulls, zoned: roles.zone !== null };
  // Whom a row is about and when it happened are members of the event itself.
  const others = profile.columns.filter((one) => one !== roles.entity && one !== roles.time && !isOnlyId(one, roles));
  const taken = new Set<string>();
  const decided = others.map((column) => fieldOf(column, around, taken));
  const name = camel(eventType);
  const { first, last } = roles.spelling;
  return {
    ...{ useCase, eventType, source, profile, roles, way },
    entity: nameOf(snake(roles.entity.label).replace(/(^|_)(id|key|no|nr|number|code|uuid|name)$/, ''), 'entity'),
    contract: WORDS.has(name) ? `${name}Event` : name,
    nulls: [...nulls].sort(),
    fields: decided.filter((one): one is PlannedField => 'name' in one),
    leftOut: decided.filter((one): one is LeftOut => 'why' in one),
    windows: windowsOf(last - first),
    learning: learningOf(first, last, profile.rows / Math.max(1, roles.entity.distinct)),
  };
}

/** An id tells rows apart; nobody counts it. */
const isOnlyId = (column: Column, { id }: Roles): boolean =>
  (id.length === 1 && id[0] === column) || (id.includes(column) && isPersonal(column));

function windowsOf(span: number): Plan['windows'] {
  if (span >= 56 * DAY) return [7 * DAY, 28 * DAY, 90 * DAY];
  if (span >= 14 * DAY) return [DAY, 7 * DAY, 28 * DAY];
  return [HOUR, DAY, 7 * DAY];
}

const HORIZONS = [1, 3, 7, 14, 28, 56, 90].map((days) => days * DAY);
/** Fewer instants or less past than this teach nothing. */
const SHORTEST = 12;

/**
 * The horizon is about twice the mean time between an entity's rows, and a sixth of the file at most. The test comes last, so
 * that its labels close with the file; before it a validation and the training, none seeing into the next.
 */
function learningOf(first: number, last: number, rowsAnEntity: number): Learning | null {
  const span = last - first;
  const gap = span / Math.max(1, rowsAnEntity);
  const horizon_ms = HORIZONS.filter((one) => one * 6 <= span)
    .filter((one, i) => i === 0 || one <= 2 * gap)
    .at(-1);
  if (horizon_ms === undefined || span < SHORTEST * DAY || rowsAnEntity < 1.05) return null;
  const step = Math.max(DAY, floorToDay(horizon_ms / 4));
  // A file of days ends at the begin of its last one.
  const test = floorToDay(last + DAY - 1) - horizon_ms;
  const validation = { from: test - horizon_ms - 2 * step, to: test - horizon_ms, every_ms: step };
  const to = validation.from - horizon_ms;
  const from = floorToDay(first + span / 8) + DAY;
  if (from > to) return null;
  return {
    horizon_ms,
    train: { from, to, every_ms: Math.max(step, floorToDay((to - from) / 12)) },
    validation,
    test: { from: test, to: test, every_ms: step },
  };
}

const floorToDay = (ms: number): number => Math.floor(ms / DAY) * DAY;
