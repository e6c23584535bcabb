/** `npm run bench [-- options]`: measures, prints one table, and writes it where asked. `-- --help` lists the options. */
import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { Progress } from '../setup/progress.mjs';
import { inLambdaNode } from './node-process.ts';
import { parts } from './parts.ts';
import type { Row } from './rows.ts';
import { plainTable } from './table.ts';

interface Options {
  readonly only?: string;
  readonly json?: string;
  readonly profile?: boolean;
}

const options = new Command('npm run bench --')
  .description('Measures on this machine, side by side. A missed goal is printed and never fails the run.')
  .addOption(new Option('--only <part>', 'one part').choices(parts.map(({ name }) => name)))
  .option('--json <file>', 'writes the rows as JSON: name, value, unit, goal, met, beside')
  .option('--profile', 'shows in which functions the parts that run in Node spend their time')
  .parse()
  .opts<Options>();

const progress = new Progress(process.stderr);
const rows: Row[] = [];
for (const part of parts) {
  if (options.only !== undefined && part.name !== options.only) continue;
  const found = await progress.step(part.title, async (step) =>
    inLambdaNode(part.name, options.profile ?? false, (text) =>
      options.profile && text.includes(' %  ') ? progress.print(text) : step.update(text),
    ),
  );
  rows.push(...found);
}
console.log(plainTable(rows));
if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
