/** The parts of the benchmark, in the order of the table. */
import { READ, readRows } from './read/part.ts';
import type { Row } from './rows.ts';
import { STREAM, streamRows } from './stream/part.ts';

export interface Part {
  readonly name: string;
  readonly title: string;
  /** In a Node process of its own, as Lambda runs it. */
  readonly inProcess?: (say: (text: string) => void) => Promise<Row[]>;
}

export const parts: readonly Part[] = [
  { name: 'stream', title: 'stream engine, one Node thread', inProcess: (say) => streamRows(STREAM, say) },
  { name: 'read', title: 'read of a feature vector', inProcess: (say) => readRows(READ, say) },
];
