/** `features.ts`: a first view, of which a model can learn and a person can read. */
import { nameOf, plural, snake } from '../names.ts';
import { type Plan, WORDS } from '../plan.ts';
import type { PlannedField } from '../profile/fields.ts';
import { call, duration, imports, text } from './code.ts';

interface Written {
  readonly name: string;
  readonly code: string;
  /** One number, which a model can read. */
  readonly input: boolean;
  readonly baseline: boolean;
}

/** Wide files have more columns than a first view wants: the first ones of each use. */
const MOST = { amount: 6, level: 4, category: 4, flag: 4, code: 3 } as const;
const DISTINCT_CAP = 64;
const LIST_LENGTH = 5;

export interface View {
  readonly file: string;
  readonly inputs: readonly string[];
  readonly baseline: readonly string[];
  /** Fields that no feature reads. */
  readonly unread: readonly PlannedField[];
}

export function viewOf(plan: Plan): View {
  const writer = new Features(plan);
  const used = new Set<PlannedField>();
  const take = (use: keyof typeof MOST, write: (field: PlannedField) => void) => {
    for (const field of plan.fields.filter((one) => one.use === use).slice(0, MOST[use])) {
      used.add(field);
      write(field);
    }
  };
  writer.cadence();
  take('amount', (field) => writer.amount(field));
  take('level', (field) => writer.level(field));
  take('flag', (field) => writer.flag(field));
  take('category', (field) => writer.category(field));
  take('code', (field) => writer.different(field));
  const { written } = writer;
  return {
    file: fileOf(plan, writer),
    inputs: written.filter(({ input }) => input).map(({ name }) => name),
    baseline: written.filter(({ baseline }) => baseline).map(({ name }) => name),
    unread: plan.fields.filter((field) => !used.has(field)),
  };
}

class Features {
  readonly written: Written[] = [];
  readonly imported = new Set<string>();
  private readonly names: Set<string>;
  private readonly plan: Plan;

  constructor(plan: Plan) {
    this.plan = plan;
    this.names = new Set([...WORDS, plan.contract]);
  }

  /** How often, how long silent, and how long it usually is. */
  cadence(): void {
    const { eventType, contract, windows } = this.plan;
    const many = plural(eventType);
    for (const window of windows)
      this.add(`${many}_${duration(window)}`, 'count', contract, duration(window), `${many} in ${words(window)}`, true);
    const all = this.add(many, 'count', contract, 'lifetime', `${many} ever`, true);
    const last = this.add(`since_last_${eventType}`, 'timeSinceLast', contract, 'lifetime', 'Silence, ms', true);
    const first = this.add(`since_first_${eventType}`, 'timeSinceFirst', contract, 'lifetime', 'Tenure, ms', true);
    const gap = this.computed(
      'usual_gap',
      `div(sub(${first}, ${last}), sub(${all}, 1))`,
      `Mean time between ${many}, ms; null before the second`,
      ['div', 'sub'],
    );
    this.computed('silence_in_gaps', `div(${last}, ${gap})`, 'Silence as a multiple of the usual gap', ['div']);
  }

  amount({ name, scale }: PlannedField): void {
    const [, middle, long] = this.plan.windows;
    const unit = scale === 0 ? '' : `, in units of 10^-${scale}`;
    const sums = [middle, long].map((window) =>
      this.add(
        `${name}_${duration(window)}`,
        'sum',
        this.column(name),
        duration(window),
        `${label(name)} in ${words(window)}${unit}`,
      ),
    );
    this.add(`mean_${name}`, 'mean', this.column(name), 'lifetime', `Mean ${label(name)}${unit}`);
    this.add(`last_${name}`, 'last', this.column(name), 'lifetime', `${label(name)} of the last one${unit}`);
    this.computed(
      `${name}_trend`,
      `div(${sums[0]}, ${sums[1]})`,
      `Part of the ${label(name)} of ${words(long)} in the last ${words(middle)}`,
      ['div'],
    );
  }

  level({ name, scale }: PlannedField): void {
    const unit = scale === 0 ? '' : `, in units of 10^-${scale}`;
    this.add(`last_${name}`, 'last', this.column(name), 'lifetime', `The newest ${label(name)}${unit}`);
    this.add(`mean_${name}`, 'mean', this.column(name), 'lifetime', `Mean ${label(name)}${unit}`);
    this.add(`max_${name}`, 'max', this.column(name), 'lifetime', `Greatest ${label(name)}${unit}`);
  }

  flag({ name }: PlannedField): void {
    const [, middle] = this.plan.windows;
    const where = `where: ${this.column(name)}.eq(true)`;
    this.add(
      `${name}_${duration(middle)}`,
      'count',
      this.plan.contract,
      duration(middle),
      `With ${label(name)}, in ${words(middle)}`,
      false,
      [where],
    );
  }

  category(field: PlannedField): void {
    const { name, values } = field;
    if (values === undefined) {
      this.different(field);
      return;
    }
    const more = [`k: ${Math.min(LIST_LENGTH, values.length)}`];
    this.add(
      `${name}_histogram`,
      'histogram',
      this.column(name),
      'lifetime',
      `The most frequent ${label(name)}, with counts`,
      false,
      more,
    );
    this.add(`last_${name}`, 'last', this.column(name), 'lifetime', `The newest ${label(name)}`);
  }

  different({ name, type }: PlannedField): void {
    const more = type === 'enum' ? [] : [`cap: ${DISTINCT_CAP}`];
    this.add(
      `different_${name}`,
      'countDistinct',
      this.column(name),
      'lifetime',
      `Different ${label(name)}`,
      false,
      more,
    );
  }

  private readonly column = (name: string) => `${this.plan.contract}.${name}`;

  private add(
    wanted: string,
    op: string,
    of: string,
    window: string,
    description: string,
    baseline = false,
    more: readonly string[] = [],
  ): string {
    this.imported.add(op);
    const name = this.take(wanted);
    const members = [`of: ${of}`, ...more.filter((one) => one.startsWith('where')), `window: '${window}'`];
    members.push(...more.filter((one) => !one.startsWith('where')), `description: ${text(capital(description))}`);
    const code = call(`export const ${name} = ${op}(`, members, ');');
    this.written.push({ name, code, input: op !== 'histogram', baseline });
    return name;
  }

  private computed(wanted: string, formula: string, description: string, ops: readonly string[]): string {
    for (const op of ['derived', 'expr', ...ops.map((one) => `expr.${one}`)]) this.imported.add(op);
    const name = this.take(wanted);
    const said = text(capital(description));
    const line = `export const ${name} = derived(${formula}, ${said});`;
    const code = line.length <= 120 ? line : `export const ${name} = derived(\n  ${formula},\n  ${said},\n);`;
    this.written.push({ name, code, input: true, baseline: false });
    return name;
  }

  private take(wanted: string): string {
    const name = nameOf(snake(wanted), 'feature', this.names);
    this.names.add(name);
    return name;
  }
}

function fileOf({ contract, entity }: Plan, { written, imported }: Features): string {
  const ops = [...imported].filter((one) => one.startsWith('expr.')).map((one) => one.slice('expr.'.length));
  const names = [...imported].filter((one) => !one.startsWith('expr.'));
  return [
    '/**',
    ' * What is known of an entity at any instant. Times are ms, decimals are in their smallest units. Change windows, leave out, add:',
    ' * a change is a new version of the view, and its values are computed anew from all events.',
    ' */',
    imports([...names, 'type ViewSpec'], 'tidemark'),
    `import { ${contract} } from './events.ts';`,
    '',
    ...(ops.length === 0 ? [] : [`const { ${ops.sort().join(', ')} } = expr;`, '']),
    ...written.map(({ code }) => code),
    '',
    '/** What is computed from others stands after them. */',
    'export const view = {',
    `  entity: ${text(entity)},`,
    '  features: {',
    ...written.map(({ name }) => `    ${name},`),
    '  },',
    '} satisfies ViewSpec;',
    '',
  ].join('\n');
}

const label = (name: string): string => name.replaceAll('_', ' ');
const capital = (said: string): string => said[0]!.toUpperCase() + said.slice(1);
const words = (ms: number): string => {
  const said = duration(ms);
  const units = { d: 'day', h: 'hour', m: 'minute' } as const;
  const count = Number(said.slice(0, -1));
  return `${count} ${units[said.at(-1) as 'd']}${count === 1 ? '' : 's'}`;
};
