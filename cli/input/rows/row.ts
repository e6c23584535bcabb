/** Rows of tables, whatever file they stand in: what a source of envelope `rows` makes events of. */
import type { RejectionReason } from '../../../core/ir/rejection.ts';

/** A line of a CSV, an object of a JSON file, a row of a Parquet file. */
export interface Row {
  /** Among the rows of its file, from 1. */
  readonly number: number;
  /** Where it stands, for people. */
  readonly place: string;
  /** By column: of a CSV text or null, of JSON and Parquet what JSON has. Own members only. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The same as it is read of a landed file. */
  readonly json: Uint8Array;
}

/** What is no row, told without its content. */
export interface BadRow {
  readonly place: string;
  readonly reason: RejectionReason;
  readonly detail: string;
}
