/** Ours against a baseline: ratios of what was measured in the same round, and which of them are a regression. */
import { figure, type Row, type Spread, spreadOf } from '../rows.ts';

/** More than this much worse than the baseline is a regression. */
export const TOLERANCE = 0.1;

export interface Ratio {
  readonly name: string;
  readonly unit: string;
  readonly base: Spread;
  readonly ours: Spread;
  /** How many times worse ours is in each round: above 1 it is slower or larger, under 1 faster or smaller. */
  readonly worse: Spread;
  readonly regressed: boolean;
}

export interface Round {
  readonly base: readonly Row[];
  readonly ours: readonly Row[];
}

/** Rates are to be high; times, bytes, writes and how many times longer something takes are to be low. */
const isRate = (unit: string) => unit.endsWith('/s');

/**
 * @param rounds one or more, each with both sides
 * @returns one entry for each row that both sides have in every round, in our order, and the names of the others
 * @throws Error without a round, or when a figure is not above 0: there is no ratio of it
 */
export function ratiosOf(rounds: readonly Round[]): { readonly ratios: Ratio[]; readonly unpaired: string[] } {
  if (rounds.length === 0) throw new Error('rounds: found none; allowed: one or more');
  const sides = rounds.flatMap(({ base, ours }) =>
    [base, ours].map((rows) => new Map(rows.map((row) => [row.name, row]))),
  );
  const names = [...new Set([...rounds[0]!.ours, ...rounds[0]!.base].map(({ name }) => name))];
  const paired = names.filter((name) => sides.every((rows) => rows.has(name)));
  return {
    ratios: paired.map((name) => ratioOf(name, rounds)),
    unpaired: names.filter((name) => !paired.includes(name)),
  };
}

function ratioOf(name: string, rounds: readonly Round[]): Ratio {
  const find = (rows: readonly Row[]) => rows.find((row) => row.name === name)!;
  const pairs = rounds.map(({ base, ours }) => [find(base), find(ours)] as const);
  for (const { value } of pairs.flat()) if (!(value > 0)) throw new Error(`${name}: found ${value}; allowed: above 0`);
  const { unit } = pairs[0]![1];
  const worse = spreadOf(
    pairs.map(([base, ours]) => (isRate(unit) ? base.value / ours.value : ours.value / base.value)),
  );
  return {
    name,
    unit,
    base: spreadOf(pairs.map(([{ value }]) => value)),
    ours: spreadOf(pairs.map(([, { value }]) => value)),
    worse,
    regressed: worse.median > 1 + TOLERANCE,
  };
}

/** A table: medians of both sides, the ratio's median and its lowest and highest round. */
export function againstTable(ratios: readonly Ratio[]): string {
  const lines = [
    ['what', 'baseline', 'here', 'times worse', 'lowest', 'highest', ''],
    ...ratios.map(({ name, unit, base, ours, worse, regressed }) => [
      name,
      `${figure(base.median)} ${unit}`,
      `${figure(ours.median)} ${unit}`,
      ...[worse.median, worse.low, worse.high].map((ratio) => ratio.toFixed(3)),
      regressed ? 'REGRESSED' : '',
    ]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
