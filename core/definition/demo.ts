import type { CarriageKind } from '../ir/document.ts';

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

/** What `npm run demo -- --sources` sends of one source: `samples.ts` in the use case's folder makes them. */
export interface SourceSample {
  /** Its name; of what is put on the stream as it is, any. */
  readonly source: string;
  readonly via: CarriageKind | 'stream';
  /** The feature that has to count it. */
  readonly feature: string;
  /** What its provider calls it. */
  readonly kind: string;
  /** As it is sent: JSON, or a text. */
  readonly body: object | string;
  /** Of a Kafka record. */
  readonly key?: object;
}
