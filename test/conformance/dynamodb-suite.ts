/** The public DynamoDB conformance suite: its report against the list of differences that we know. */
import { readFileSync } from 'node:fs';

export interface KnownDifferences {
  readonly repository: string;
  /** The suite's commit that the list was made with. */
  readonly commit: string;
  readonly differences: readonly { readonly test: string; readonly reason: string }[];
}

/** What vitest's JSON reporter writes, as far as it is read here. */
export interface SuiteReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

export interface Comparison {
  readonly passed: number;
  readonly failed: number;
  /** Failures that the list does not have. */
  readonly unexpected: readonly string[];
  /** Differences of the list that are none any more, or whose test is gone. */
  readonly gone: readonly string[];
}

export const knownDifferences = (): KnownDifferences =>
  JSON.parse(readFileSync('test/conformance/dynamodb-differences.json', 'utf8'));

export function compare(report: SuiteReport, known: KnownDifferences): Comparison {
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = results.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
  const listed = known.differences.map(({ test }) => test);
  return {
    passed: results.filter(({ status }) => status === 'passed').length,
    failed: failed.length,
    unexpected: failed.filter((name) => !listed.includes(name)),
    gone: listed.filter((name) => !failed.includes(name)),
  };
}

/** Whether the local cloud answers as the list says: a suite of which nothing ran proves nothing. */
export const asKnown = ({ passed, unexpected, gone }: Comparison): boolean =>
  passed > 0 && unexpected.length === 0 && gone.length === 0;
