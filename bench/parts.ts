/** The parts of the benchmark that run in Node, as Lambda runs them; in the order of the table. */
import { CHURN, stateRows, writeRows } from './churn/part.ts';
import { GROWTH, growthRows } from './growth/part.ts';
import { READ, readRows } from './read/part.ts';
import type { Row } from './rows.ts';
import { STREAM, streamRows } from './stream/part.ts';

export interface NodePart {
  readonly name: string;
  readonly title: string;
  readonly run: (say: (text: string) => void) => Promise<Row[]>;
}

export const nodeParts: readonly NodePart[] = [
  { name: 'stream', title: 'stream engine, one Node thread', run: (say) => streamRows(STREAM, say) },
  { name: 'state', title: 'size of a state item', run: (say) => stateRows(CHURN, say) },
  { name: 'writes', title: 'writes to DynamoDB', run: (say) => writeRows(CHURN, say) },
  { name: 'read', title: 'read of a feature vector', run: (say) => readRows(READ, say) },
  { name: 'growth', title: 'growth with events', run: (say) => growthRows(GROWTH, say) },
];
