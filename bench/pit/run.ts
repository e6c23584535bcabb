/** Part `pit`: the point-in-time join in Spark, beside the same by Spark SQL's window functions. */
import path from 'node:path';
import { outputOf, ROOT } from '../node-process.ts';
import { atLeast, atMost, type Row, row } from '../rows.ts';

const PYTHON = path.join(ROOT, '.venv', 'bin', 'python');
const SCRIPT = path.join(ROOT, 'bench', 'pit', 'pit_join.py');

/** A row of bench/pit/pit_join.py: one line of JSON each on its standard output. */
interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: number | null;
  readonly beside?: Readonly<Record<string, number>>;
}

/** @param args e.g. smaller sizes. @throws Error when the script fails or says nothing */
export async function pitRows(say: (text: string) => void, args: readonly string[] = []): Promise<Row[]> {
  const output = await outputOf(PYTHON, [SCRIPT, '--baseline', ...args], say);
  const rows = rowsOf(output);
  if (rows.length === 0) throw new Error('pit: found no rows; allowed: one line of JSON a row');
  return rows;
}

/** Lines that are no JSON object are not ours: Spark writes to standard output too. */
export function rowsOf(output: string): Row[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Measured)
    .map(({ name, value, unit, goal, beside }) => {
      // A rate is to be high; how many times longer it takes, low.
      const wanted = goal == null ? null : unit === 'times' ? atMost(goal) : atLeast(goal);
      return row(name, value, unit, wanted, beside ?? {});
    });
}
