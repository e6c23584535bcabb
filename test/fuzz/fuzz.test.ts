/** Odd records through the stream; what Spark makes of them stands in test/python/spark/test_fuzz.py. */
import { describe, expect, test } from '@jest/globals';
import { admitRecord } from '../../core/admission/record-parts.ts';
import { archivable } from '../../engine/ingest/archivable.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { fuzz, REAL, type Ways } from './pipeline.ts';

const SEED = 1;
const RECORDS = 10_000;
/** Up to which a planted bug is looked for, 500 records each. */
const SEEDS = 20;

function again(seed: number, problems: readonly string[]): string {
  return `${problems.slice(0, 5).join('\n')}\nagain: npm run fuzz -- --seed ${seed} --records ${RECORDS}`;
}

test(`${RECORDS} odd records: nothing raises, nothing is lost, the counts agree`, async () => {
  const { problems, counts } = await fuzz(SEED, RECORDS);
  if (problems.length > 0) throw new Error(again(SEED, problems));
  expect(counts.records).toBeGreaterThanOrEqual(RECORDS);
  // The odd is not all there is, and every kind of it is there.
  for (const name of ['applied', 'misrouted', 'duplicates', 'drift'])
    expect([name, counts[name]! > 10]).toEqual([name, true]);
  const reasons = Object.keys(counts).filter((name) => name === name.toUpperCase());
  expect(reasons.length).toBeGreaterThanOrEqual(17);
}, 600_000);

/** Each has to be found. */
const PLANTED: Readonly<Record<string, Ways>> = {
  'only the first part of a record is looked at': {
    ...REAL,
    process: (records, rules, ports) => {
      const first = records.map((record) => admitRecord(record, rules.contracts, rules.admit)[0]!);
      return processBatch(
        first.map(({ position, data }) => ({ position, data })),
        rules,
        ports,
      );
    },
  },
  'the archiver keeps what comes again under its own key': {
    ...REAL,
    archivable: (records, contracts, options) =>
      records.flatMap((record) =>
        admitRecord(record, contracts, options).flatMap(({ result }) => (result.ok ? [result.event] : [])),
      ),
  },
  'the archiver has other lanes than the processor': {
    ...REAL,
    archivable: (records, contracts, options) =>
      archivable(records, contracts, { ...options, lanes: 5 - options.lanes! }),
  },
  'refused records that are large are not kept': {
    ...REAL,
    process: (records, rules, ports) =>
      processBatch(records, rules, {
        ...ports,
        quarantine: (lines) => ports.quarantine(lines.filter((line) => line.raw_base64.length < 10_000)),
      }),
  },
  'a subject is cut to its length, and nothing else': { ...REAL, subjectOf: (title) => title.slice(0, 99) },
};

describe('planted bugs', () => {
  test.each(Object.keys(PLANTED))('%s', async (bug) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const { problems } = await fuzz(seed, 500, PLANTED[bug]);
      if (problems.length === 0) continue;
      expect((await fuzz(seed, 500)).problems).toEqual([]);
      return;
    }
    throw new Error(`found in none of ${SEEDS} seeds; allowed: in one at least`);
  });
});
