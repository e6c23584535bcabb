/** The dated copy of the results: docs/benchmarks.md. */
import type { Row } from './rows.ts';
import { markdownTable } from './table.ts';

/** @param quality the table of the model's quality as text, empty where it was not measured */
export function document(rows: readonly Row[], machine: readonly string[], date: string, quality: string): string {
  const sections = [
    '# Benchmarks',
    `Written by \`npm run bench -- --write-docs\` on ${date}.\nEvery figure of a row was measured in the same run, on:`,
    machine.map((line) => `- ${line}`).join('\n'),
    'A value is the median of the rounds; compared passes take turns, so that what else the machine does falls on all alike.\nA goal is a wish: missing it is said and fails nothing.',
    markdownTable(rows),
    ...(quality === '' ? [] : ['## The model, out of time', `\`\`\`\n${quality}\n\`\`\``]),
  ];
  return `${sections.join('\n\n')}\n`;
}
