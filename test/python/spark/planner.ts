/** Gives views their plans as the compiler does: a view as JSON on each line of stdin, the same with its plan on stdout. */
import { createInterface } from 'node:readline';
import { type Planned, withPlan } from '../../../core/definition/plan.ts';

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(withPlan(JSON.parse(line) as Planned))}\n`);
}
