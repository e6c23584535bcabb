/** Whether contracts still admit what they admitted when they were released, and let it mean the same. */

import type { ContractIR, ExprIR, FieldIR } from '../ir/document.ts';
import { canonicalJson } from '../values/hash.ts';

/** One way in which producers or readers of a released contract would be left behind. */
export interface ContractBreak {
  /** `contracts.<event type>@<schema version>[.<field>[.<rule>]]` */
  readonly field: string;
  readonly found: string;
  readonly allowed: string;
  readonly effect: BreakEffect;
}

/**
 * What becomes of events that are sent as before. `refused`: some of them go to the quarantine. `reread`: they are admitted, and
 * mean something else than the same events did. `lost`: what they hold is in no column any more.
 */
export type BreakEffect = 'refused' | 'reread' | 'lost';

/**
 * Compares contracts of the same event type and schema version. Producers go on sending what was released: it must be
 * admitted as before, into the same fields, with the same meaning. A new event type, schema version, optional field or
 * enum value and a wider range break nobody.
 *
 * @returns one break a finding, in the order of `released`; none: compatible
 */
export function contractBreaks(released: readonly ContractIR[], current: readonly ContractIR[]): ContractBreak[] {
  return released.flatMap((before) => {
    const at = `contracts.${before.event_type}`;
    const versions = current.filter(({ event_type }) => event_type === before.event_type);
    if (versions.length === 0)
      return [broken(at, 'a removed event type', 'the event type, as it was released', 'refused')];
    const now = versions.find(({ schema_version }) => schema_version === before.schema_version);
    const allowed = `schema version ${before.schema_version} beside a newer one`;
    if (!now) return [broken(`${at}@${before.schema_version}`, 'a removed schema version', allowed, 'refused')];
    const newest = Math.max(...versions.map(({ schema_version }) => schema_version));
    return new Comparison(`${at}@${before.schema_version}`, newest + 1).contract(before, now);
  });
}

const broken = (field: string, found: string, allowed: string, effect: BreakEffect): ContractBreak => ({
  ...{ field, found, allowed, effect },
});

class Comparison {
  private readonly at: string;
  private readonly next: number;
  private readonly breaks: ContractBreak[] = [];

  /** @param next the schema version that a change needs */
  constructor(at: string, next: number) {
    this.at = at;
    this.next = next;
  }

  contract(before: ContractIR, now: ContractIR): ContractBreak[] {
    this.same('eventTime', before.event_time_format, now.event_time_format, 'refused');
    this.least('maxFuture', before.max_future_ms, now.max_future_ms, 'ms');
    // Of a zone the name counts: newer time zone data say it better.
    this.same('timeZone', before.time_zone?.name ?? 'none', now.time_zone?.name ?? 'none', 'reread');
    const [earliest, least] = [before.min_event_time ?? 0, now.min_event_time ?? 0];
    if (least > earliest) this.add('minEventTime', at(least), `${at(earliest)} or earlier`, 'refused');
    this.retraction(before, now);
    for (const field of before.fields) this.field(field, now.fields);
    const known = new Set(before.fields.map(({ name }) => name));
    for (const { name, required } of now.fields) {
      if (required && !known.has(name))
        this.add(name, 'a new required field', 'an optional field, or one with a default', 'refused');
    }
    for (const column of before.derived) {
      const { name, expr } = column;
      const other = now.derived.find((one) => one.name === name);
      if (!other) this.add(name, 'a removed derived column', 'the column as it was released', 'lost');
      else if (canonicalJson(other.expr) !== canonicalJson(expr))
        this.add(name, 'another expression', 'the expression as it was released', 'reread');
      else this.range(column, other);
    }
    // A new column is nobody's yet, but an event that it has no place for was admitted before.
    for (const { name, min, max, expr } of now.derived) {
      if (before.derived.some((column) => column.name === name)) continue;
      if (min !== undefined || max !== undefined)
        this.add(name, 'a new derived column with bounds', 'one without bounds', 'refused');
      else if (!isWhole(expr))
        this.add(name, 'a new derived column that need not be a whole number', 'one of whole numbers', 'refused');
    }
    return this.breaks;
  }

  /** What the same events cancel. All versions of a type cancel alike, so that a new version is no way out. */
  private retraction(before: ContractIR, now: ContractIR): void {
    const [was, is] = [ruleOf(before), ruleOf(now)];
    if (was !== is) this.breaks.push(broken(`${this.at}.retracts`, is, `${was}; or another event type`, 'reread'));
  }

  private field(before: FieldIR, fields: readonly FieldIR[]): void {
    const { name } = before;
    const now = fields.find((field) => field.name === name);
    if (!now) {
      const renamed = fields.find((field) => keyOf(field) === keyOf(before));
      this.add(
        name,
        renamed ? `a field renamed to ${renamed.name}` : 'a removed field',
        'the field as it was released',
        'lost',
      );
      return;
    }
    this.same(`${name}.from`, keyOf(before), keyOf(now), now.required ? 'refused' : 'lost');
    if (now.required && !before.required) this.add(name, 'a field made required', 'an optional field', 'refused');
    // What was required had no default that could differ.
    if (!before.required && !now.required)
      this.same(`${name}.default`, before.default ?? null, now.default ?? null, 'reread');
    // A whole number is a decimal too, in other units.
    const other = before.type === 'int' && now.type === 'decimal' ? 'reread' : 'refused';
    if (now.type !== before.type) this.same(`${name}.type`, before.type, now.type, other);
    else this.rules(before, now);
  }

  /** What narrows the values of a field, or reads them otherwise. */
  private rules(before: FieldIR, now: FieldIR): void {
    const { name } = before;
    if ('trim' in before && 'trim' in now) {
      this.same(`${name}.trim`, before.trim, now.trim, 'reread');
      this.same(`${name}.case`, before.case ?? 'as sent', now.case ?? 'as sent', 'reread');
    }
    if (before.type === 'string' && now.type === 'string')
      this.least(`${name}.maxLength`, before.max_length, now.max_length, 'characters');
    if (before.type === 'enum' && now.type === 'enum') {
      const gone = before.values.filter((value) => !now.values.includes(value));
      if (gone.length > 0)
        this.add(`${name}.values`, `no ${gone.join(', ')}`, 'the released values and more', 'refused');
    }
    if (before.type === 'timestamp' && now.type === 'timestamp')
      this.same(`${name}.format`, before.format, now.format, 'reread');
    if (before.type === 'decimal' && now.type === 'decimal' && before.scale !== now.scale) {
      // Bounds are in units of the scale: they can't be compared any more.
      this.same(`${name}.scale`, before.scale, now.scale, 'reread');
    } else if ('min' in now || 'max' in now) this.range(before, now);
  }

  private range(before: Bounds, now: Bounds): void {
    const { name } = before;
    if (now.min !== undefined && now.min > (before.min ?? Number.NEGATIVE_INFINITY))
      this.add(`${name}.min`, `${now.min}`, before.min === undefined ? 'none' : `up to ${before.min}`, 'refused');
    if (now.max !== undefined && now.max < (before.max ?? Number.POSITIVE_INFINITY))
      this.add(`${name}.max`, `${now.max}`, before.max === undefined ? 'none' : `${before.max} or more`, 'refused');
  }

  private same(field: string, before: unknown, now: unknown, effect: BreakEffect): void {
    if (before !== now) this.add(field, `${now}`, `${before}`, effect);
  }

  private least(field: string, before: number, now: number, unit: string): void {
    if (now < before) this.add(field, `${now} ${unit}`, `${before} ${unit} or more`, 'refused');
  }

  private add(field: string, found: string, allowed: string, effect: BreakEffect): void {
    this.breaks.push(broken(`${this.at}.${field}`, found, `${allowed}; or schema version ${this.next}`, effect));
  }
}

const ruleOf = ({ retracts }: ContractIR) => (retracts ? `${retracts.event_type} by ${retracts.field}` : 'none');

const at = (instant: number) => new Date(instant).toISOString();

interface Bounds {
  readonly name: string;
  readonly min?: number;
  readonly max?: number;
}

/** Whether an expression over fields, which are whole numbers in their unit, is one: an event with any other is refused. */
function isWhole(expr: ExprIR): boolean {
  switch (expr.op) {
    case 'ref':
      return true;
    case 'const':
      return Number.isSafeInteger(expr.value);
    case 'div':
    case 'mean_of':
      return false;
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
    case 'eq':
    case 'sum_of':
    case 'min_of':
    case 'max_of':
    case 'at':
      return true;
    default:
      return isWhole(expr.left) && isWhole(expr.right);
  }
}

/** Under which key of the incoming properties a field is sent. */
const keyOf = ({ from, name }: FieldIR) => from ?? name;
