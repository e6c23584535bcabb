/** The table of the results, for the terminal and for Markdown. */
import { figure, type Row } from './rows.ts';

const HEAD = ['what', 'measured', 'goal', 'met', 'beside'];

function cells(one: Row): string[] {
  const beside = Object.entries(one.beside).map(([name, value]) => `${name} ${figure(value)}`);
  return [
    one.name,
    `${figure(one.value)} ${one.unit}`,
    one.goal === null ? '' : figure(one.goal),
    one.met === null ? '' : one.met ? 'yes' : 'missed',
    beside.join('; '),
  ];
}

/** Columns in line; the last one, which may be long, is not padded. */
export function plainTable(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === HEAD.length - 1 ? cell : cell.padEnd(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function markdownTable(rows: readonly Row[]): string {
  const line = (texts: readonly string[]) => `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(HEAD), line(HEAD.map(() => '---')), ...rows.map((one) => line(cells(one)))].join('\n');
}
