/** What `npm run demo` plays of a use case: the default export of `demo.ts` in its folder. */
export interface DemoSpec {
  /** ISO-8601 with a zone: what was known before is history, the rest comes live. */
  readonly cut: string;
  /** How many days come live. */
  readonly days: number;
  /**
   * A Python script beside `demo.ts`, called with `--out <folder> --cut <instant> --until <instant>` (and `--entities <n>`,
   * for fewer): it writes `history-*.ndjson.gz` and `live-*.ndjson.gz`.
   */
  readonly loader: string;
}
