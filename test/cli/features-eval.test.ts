/** `tidemark features eval` as a person runs it: in a process of its own, on a use case that is not in this repository. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const COMMAND = resolve('cli/tidemark.mjs');
const TINY = resolve('test/fixtures/usecases/tiny');
/** Starts of Node on a busy machine; of Spark, too, where a test says so. */
const NODE_MS = 60_000;
const SPARK_MS = 240_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-outside-'));
  const source = readFileSync(join(TINY, 'index.ts'), 'utf8');
  mkdirSync(join(folder, 'reading'));
  writeFileSync(join(folder, 'reading', 'index.ts'), source.replace("'../../../../core/define.ts'", "'tidemark'"));
  mkdirSync(join(folder, 'broken'));
  writeFileSync(
    join(folder, 'broken', 'index.ts'),
    source.replace("'../../../../core/define.ts'", "'tidemark'").replace("window: '7d'", "window: 'a week'"),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs in the outside folder, so that nothing is found by the place it is started from. */
function tidemark(args: readonly string[], input: string | Buffer = ''): Promise<Ended> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [COMMAND, 'features', 'eval', ...args], { cwd: folder });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('error', fail);
    child.on('close', (code) => done({ code, out, err }));
    child.stdin.end(input);
  });
}

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return name;
}

const lines = (...all: readonly (object | string)[]) =>
  all.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
const read = (event_id: string, event_time: string, more: object = {}) => ({
  event_id,
  entity_id: 'r1',
  event_type: 'article_read',
  event_time,
  source: 'site',
  schema_version: 1,
  properties: { seconds: 3 },
  ...more,
});

const EVENTS = lines(
  read('a', '2026-01-02T10:00:00Z'),
  read('b', '2026-01-03T10:00:00+02:00', { available_at: '2026-01-06T00:00:00Z' }),
  read('a', '2026-01-02T10:00:00Z', { available_at: 1767780000000 }),
);
const QUERIES = lines(
  { entity_id: 'r1', t: '2026-01-05T00:00:00+01:00' },
  { entity_id: 'nobody', t: 1767564000000 },
  '',
  { entity_id: 'r1', t: 1767744000000 },
);
const answers = (...reads: readonly number[]) =>
  lines(
    { entity_id: 'r1', t: '2026-01-05T00:00:00+01:00', features: { reads_7d: reads[0] } },
    { entity_id: 'nobody', t: 1767564000000, features: { reads_7d: reads[1] } },
    { entity_id: 'r1', t: 1767744000000, features: { reads_7d: reads[2] } },
  );

describe('a folder outside of the repository', () => {
  test.each(['stream', 'oracle', 'spark'])(
    'engine %s: one line a query, in order, t as it was asked',
    async (engine) => {
      const where = ['--events', file('events.ndjson', EVENTS), '--queries', file('queries.ndjson', QUERIES)];
      const { code, out, err } = await tidemark(['--usecase', './reading', '--engine', engine, ...where]);
      expect({ code, out, err }).toEqual({ code: 0, out: answers(1, 0, 2), err: expect.stringContaining(engine) });
    },
    SPARK_MS,
  );

  test(
    'standard input, .gz, a bare name, and what is known by now',
    async () => {
      const queries = file('queries.ndjson.gz', gzipSync(QUERIES));
      const asked = ['--usecase', 'reading', '--events', '-', '--queries', queries];
      const latest = await tidemark([...asked, '--knowledge', 'latest', '--batch', '1', '--shuffle', '7'], EVENTS);
      expect(latest).toMatchObject({ code: 0, out: answers(2, 0, 2) });
      const early = await tidemark([...asked, '--knowledge', '2026-01-02T10:00:00Z'], EVENTS);
      expect(early).toMatchObject({ code: 0, out: answers(0, 0, 0) });
    },
    NODE_MS,
  );

  test(
    'a definition that is refused says where and why',
    async () => {
      const where = ['--events', file('events.ndjson', EVENTS), '--queries', file('queries.ndjson', QUERIES)];
      const { code, out, err } = await tidemark(['--usecase', './broken', ...where]);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toContain('features.reads_7d.window: found string; allowed: a duration');
    },
    NODE_MS,
  );
});

describe('bad input: exit code 2, the file, the line and the reason, and nothing on standard output', () => {
  const good = () => ({
    events: file('events.ndjson', EVENTS),
    queries: file('queries.ndjson', QUERIES),
  });
  const run = (files: { readonly events: string; readonly queries: string }, ...more: readonly string[]) =>
    tidemark(['--usecase', TINY, '--events', files.events, '--queries', files.queries, ...more]);

  test(
    'events',
    async () => {
      const first = read('a', '2026-01-02T10:00:00Z');
      const events = file(
        'bad.ndjson',
        lines(
          first,
          '{oops',
          '',
          { ...first, properties: { seconds: 'much' } },
          { ...first, event_time: '2026-01-02 10:00:00' },
          { ...first, event_type: 'article' },
          read('c', '2026-01-02T10:00:00Z', { available_at: '2026-01-02T09:00:00Z' }),
          { ...first, entity_id: undefined },
        ),
      );
      const { code, out, err } = await run({ ...good(), events });
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err.trimEnd().split('\n').slice(-7)).toEqual([
        '6 bad lines of events:',
        'bad.ndjson:2: MALFORMED_JSON: record: found text that is no JSON; allowed: one JSON object',
        expect.stringMatching(/^bad\.ndjson:4: INVALID_FIELD: properties\.seconds: found string; allowed: an integer/),
        expect.stringMatching(/^bad\.ndjson:5: INVALID_EVENT_TIME: event_time: .* no iso8601 time/),
        'bad.ndjson:6: UNKNOWN_EVENT_TYPE: event_type: found string; allowed: article_read',
        expect.stringMatching(/^bad\.ndjson:7: EVENT_TIME_IN_FUTURE: event_time: found a time 3600000 ms after/),
        expect.stringMatching(/^bad\.ndjson:8: MISSING_ENTITY: entity_id: found undefined/),
      ]);
      expect(err).not.toContain('much');
    },
    NODE_MS,
  );

  test(
    'queries',
    async () => {
      const queries = file(
        'bad.ndjson',
        lines(
          { entity_id: 'r1', t: '2026-01-02' },
          { entity_id: 'r1' },
          { entity_id: 'r1', t: 1.5 },
          { entity_id: 'r1', t: -1 },
          { t: 1 },
          '[]',
          'x',
          { entity_id: 'r1', t: '2026-02-30T00:00:00Z' },
          { entity_id: 'r1', t: 0 },
        ),
      );
      const { code, out, err } = await run({ ...good(), queries });
      expect({ code, out }).toEqual({ code: 2, out: '' });
      const told = err.trimEnd().split('\n').slice(-9);
      expect(told[0]).toBe('8 bad lines of queries:');
      const reasons = ['t: ', 't: ', 't: ', 't: ', 'has an entity_id', 'is an array', 'is not JSON', 't: '];
      reasons.forEach((reason, i) => {
        expect(told[i + 1]).toContain(`bad.ndjson:${i + 1}: ${reason}`);
      });
    },
    NODE_MS,
  );

  test(
    'files and options',
    async () => {
      const missing = await run({ ...good(), events: 'none.ndjson' });
      expect(missing).toMatchObject({ code: 2, out: '', err: expect.stringContaining('none.ndjson does not exist') });
      const both = await run({ events: '-', queries: '-' });
      expect(both).toMatchObject({ code: 2, out: '', err: expect.stringContaining('standard input for one of them') });
      const plain = await run({ ...good(), events: file('plain.ndjson.gz', EVENTS) });
      expect(plain).toMatchObject({ code: 2, out: '', err: expect.stringContaining('cannot be unpacked') });
      const view = await run(good(), '--view', 'none');
      expect(view).toMatchObject({ code: 2, out: '', err: expect.stringContaining('--view: found another name') });
    },
    NODE_MS,
  );
});
