/** In which spelling a column has times, if it has any. */
import { parseTimestamp, type TimestampFormat } from '../../../../core/values/time.ts';
import { timeReader } from '../../../../core/values/time-pattern.ts';

const DATES = [
  'yyyy-MM-dd',
  'yyyy/MM/dd',
  'yyyy.MM.dd',
  'yyyyMMdd',
  'dd/MM/yyyy',
  'MM/dd/yyyy',
  'dd.MM.yyyy',
  'dd-MM-yyyy',
  'MM-dd-yyyy',
  'dd MMM yyyy',
  'dd-MMM-yyyy',
  'MMM dd, yyyy',
] as const;
const CLOCKS = ['', ' HH:mm', ' HH:mm:ss', 'THH:mm:ss', ' hh:mm a', ' hh:mm:ss a'] as const;
const HAS_ZONE = /(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$/i;
/** 1996 to 2096: what a number of seconds or milliseconds is near to when it is a time at all. */
const EPOCH_S = [820_454_400, 3_976_214_400] as const;
/** After so many values a spelling that fits fewer than half of them is not looked for any more. */
const TRIED = 200;

/** As a map of a source says it: a format of core, or a pattern. */
export interface Spelling {
  readonly format: TimestampFormat | (string & {});
  /** Whether a time zone has to be said. */
  readonly local: boolean;
}

interface Candidate extends Spelling {
  /** Digits alone. */
  readonly bare: boolean;
  readonly fits: (value: unknown) => number | undefined;
  hits: number;
  first: number;
  last: number;
}

const instantOf = (parsed: ReturnType<typeof parseTimestamp>) => ('value' in parsed ? parsed.value : undefined);
const asUtc = (local: number) => local;
const within = (value: number, factor: number) => value >= EPOCH_S[0] * factor && value <= EPOCH_S[1] * factor;

function epoch(format: 'epoch_s' | 'epoch_ms'): Candidate['fits'] {
  const factor = format === 'epoch_s' ? 1 : 1000;
  return (value) => {
    const number = typeof value === 'string' && /^\d{9,13}(\.\d+)?$/.test(value) ? Number(value) : value;
    return typeof number === 'number' && within(number, factor) ? instantOf(parseTimestamp(value, format)) : undefined;
  };
}

/** @param local also times without a zone */
function iso(local: boolean): Candidate['fits'] {
  return (value) =>
    typeof value === 'string' && (local || HAS_ZONE.test(value))
      ? instantOf(parseTimestamp(value, 'iso8601', asUtc))
      : undefined;
}

const PATTERNS = DATES.flatMap((date) => CLOCKS.map((clock) => `${date}${clock}`))
  // Both are ISO 8601.
  .filter((pattern) => !/^yyyy-MM-dd[ T]HH/.test(pattern))
  .map((format) => ({ format, read: timeReader(format)! }));

/** Looks at all values of a column. */
export class TimeSpellings {
  private candidates: Candidate[] = [
    { format: 'iso8601', local: false, bare: false, fits: iso(false), hits: 0, first: Infinity, last: -Infinity },
    { format: 'iso8601', local: true, bare: false, fits: iso(true), hits: 0, first: Infinity, last: -Infinity },
    ...(['epoch_s', 'epoch_ms'] as const).map((format) => ({
      ...{ format, local: false, bare: true, fits: epoch(format), hits: 0, first: Infinity, last: -Infinity },
    })),
    ...PATTERNS.map(({ format, read }) => ({
      ...{ format, local: true, bare: format === 'yyyyMMdd', hits: 0, first: Infinity, last: -Infinity },
      fits: (value: unknown) => instantOf(read(value, asUtc)),
    })),
  ];
  private seen = 0;

  add(value: unknown): void {
    this.seen++;
    // Most columns are words or plain numbers, and there are many spellings.
    const bare = typeof value === 'number' || /^\d+(?:\.\d+)?$/.test(value as string);
    const may = bare || /^.{0,6}\d.{4,}/.test(value as string);
    for (const one of may ? this.candidates : []) {
      if (one.bare !== bare) continue;
      const instant = one.fits(value);
      if (instant === undefined) continue;
      one.hits++;
      if (instant < one.first) one.first = instant;
      if (instant > one.last) one.last = instant;
    }
    if (this.seen === TRIED) this.candidates = this.candidates.filter(({ hits }) => hits * 2 >= TRIED);
  }

  /** Those that fit at least 95 in 100 values; the ones that fit most come first, and only they. */
  get found(): readonly (Spelling & { readonly hits: number; readonly first: number; readonly last: number })[] {
    const fitting = this.candidates.filter(({ hits }) => hits > 0 && hits * 100 >= this.seen * 95);
    const most = Math.max(0, ...fitting.map(({ hits }) => hits));
    return fitting.filter(({ hits }) => hits === most);
  }
}
