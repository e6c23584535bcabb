/** `tidemark features eval`: its command line in this process; and once as a person runs it, outside of the repository. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { run as runCommandLine } from '../../cli/main.ts';

const COMMAND = resolve('cli/tidemark.mjs');
const TINY = resolve('test/fixtures/usecases/tiny');
/** Starts of Node and Spark on a machine under load. */
const PROCESS_MS = 420_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-outside-'));
  const source = readFileSync(join(TINY, 'index.ts'), 'utf8');
  mkdirSync(join(folder, 'reading'));
  writeFileSync(join(folder, 'reading', 'index.ts'), source);
  mkdirSync(join(folder, 'broken'));
  const broken = source.replace("window: '7d'", "window: 'a week'");
  writeFileSync(join(folder, 'broken', 'index.ts'), broken);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

afterEach(() => {
  jest.restoreAllMocks();
});

/** The command line in this process. Files are named as they stand in the folder. */
async function tidemark(...args: readonly string[]): Promise<Ended> {
  let [out, err] = ['', ''];
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += chunk;
    return true;
  });
  const told = (chunk: unknown) => {
    err += chunk;
    return true;
  };
  jest.spyOn(process.stderr, 'write').mockImplementation(told);
  jest.spyOn(console, 'error').mockImplementation((line) => void told(`${line}\n`));
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await runCommandLine(['node', 'tidemark', 'features', 'eval', ...args]);
    return { code: Number(process.exitCode), out, err: err.replaceAll(`${folder}/`, '') };
  } finally {
    process.exitCode = before;
    jest.restoreAllMocks();
  }
}

/** The command in a process of its own, in the outside folder, so that nothing is found by the place it is started from. */
function asPerson(args: readonly string[], input: string): Promise<Ended> {
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
    child.on('close', (code) => done({ code: code ?? -1, out, err }));
    child.stdin.end(input);
  });
}

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
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

const good = () => [...['--events', file('events.ndjson', EVENTS)], ...['--queries', file('queries.ndjson', QUERIES)]];

test(
  'outside of the repository: standard input, .gz, a bare name, and a bad line',
  async () => {
    file('queries.ndjson.gz', gzipSync(QUERIES));
    const asked = ['--usecase', 'reading', '--events', '-', '--queries', 'queries.ndjson.gz'];
    const answer = await asPerson([...asked, '--knowledge', 'latest'], EVENTS);
    expect(answer).toEqual({ code: 0, out: answers(2, 0, 2), err: expect.stringContaining('engine stream') });
    const refused = await asPerson([...asked, '--bad-lines', 'fail'], '{oops');
    expect(refused).toMatchObject({ code: 2, out: '', err: expect.stringContaining('-:1: MALFORMED_JSON') });
  },
  PROCESS_MS,
);

test.each(['stream', 'oracle', 'spark'])(
  'engine %s: one line per query, in order, t as it was asked',
  async (engine) => {
    const { code, out, err } = await tidemark('--usecase', TINY, '--engine', engine, ...good());
    expect({ code, out, err }).toEqual({ code: 0, out: answers(1, 0, 2), err: expect.stringContaining(engine) });
  },
  PROCESS_MS,
);

test('what is known by now, and what was known early', async () => {
  const asked = ['--usecase', TINY, ...good()];
  const latest = await tidemark(...asked, '--knowledge', 'latest', '--batch', '1', '--shuffle', '7');
  expect(latest).toMatchObject({ code: 0, out: answers(2, 0, 2) });
  const early = await tidemark(...asked, '--knowledge', '2026-01-02T10:00:00Z');
  expect(early).toMatchObject({ code: 0, out: answers(0, 0, 0) });
});

test.each(['stream', 'oracle', 'spark'])(
  'engine %s: a query may know something else than the others',
  async (engine) => {
    const [one, t] = [{ entity_id: 'r1', t: '2026-01-05T00:00:00+01:00' }, '2026-01-05T00:00:00+01:00'];
    const asked = lines(
      one,
      { ...one, knowledge: 'latest' },
      { ...one, knowledge: '2026-01-02T10:00:00Z' },
      { ...one, knowledge: 1767780000000 },
      { ...one, knowledge: 'asof' },
    );
    const queries = ['--queries', file('own.ndjson', asked)];
    const answer = (reads_7d: number) => ({ entity_id: 'r1', t, features: { reads_7d } });
    const run = (...more: string[]) => tidemark('--usecase', TINY, '--engine', engine, ...good(), ...queries, ...more);
    expect(await run()).toMatchObject({ code: 0, out: lines(...[1, 2, 0, 2, 1].map(answer)) });
    expect(await run('--knowledge', 'latest')).toMatchObject({ code: 0, out: lines(...[2, 2, 0, 2, 1].map(answer)) });
  },
  PROCESS_MS,
);

test('bad lines are left out by default: counted by reason on standard error, and exit code 3', async () => {
  const events = file('some-bad.ndjson', `{oops\n${EVENTS}{oops\n[1]\n`);
  const queries = file(
    'some-bad-queries.json',
    `[{"t":1},${QUERIES.trim().replaceAll(/\n+/g, ',')},{"entity_id":"r1","t":1,"knowledge":"soon"}]`,
  );
  const { code, out, err } = await tidemark('--usecase', TINY, '--events', events, '--queries', queries);
  expect({ code, out }).toEqual({ code: 3, out: answers(1, 0, 2) });
  const told = err.slice(err.indexOf('Left out'));
  expect(told).toContain('Left out: 3 bad lines of events (MALFORMED_JSON 2, NOT_AN_OBJECT 1):');
  expect(told).toContain('some-bad.ndjson:1: MALFORMED_JSON');
  expect(told).toContain('2 bad lines of queries (MISSING_ENTITY 1, INVALID_KNOWLEDGE 1):');
  expect(told).toContain('some-bad-queries.json, value 5: INVALID_KNOWLEDGE: knowledge: found string');
  expect(told).not.toMatch(/oops|soon/);
});

test(
  'a pipe of the shell is read as a file',
  () => {
    const [events, queries] = [file('piped.ndjson', EVENTS), file('piped-queries.ndjson', QUERIES)];
    const command = `"${process.execPath}" "${COMMAND}" features eval --usecase "${TINY}"`;
    const line = `${command} --events <(gzip -c "${events}") --queries <(cat "${queries}")`;
    const { status, stdout } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: answers(1, 0, 2) });
  },
  PROCESS_MS,
);

test('--units: each answer has them, and nothing else changes', async () => {
  const { code, out } = await tidemark('--usecase', TINY, ...good(), '--units');
  const told = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(code).toBe(0);
  expect(told.map(({ units, ...rest }) => [units, rest.features.reads_7d])).toEqual([1, 0, 2].map((n) => [{}, n]));
});

test('a folder, and a file of Excel among it', async () => {
  const [first, ...rest] = EVENTS.trim().split('\n');
  mkdirSync(join(folder, 'parts', 'more'), { recursive: true });
  file('parts/part-0000.json.gz', gzipSync(`${first}\n`));
  file('parts/more/excel.json', Buffer.from(`\ufeff[${rest.join(',\r\n')}]\r\n`, 'utf16le'));
  file('parts/_SUCCESS', '');
  const asked = ['--usecase', TINY, ...good(), '--events', join(folder, 'parts')];
  expect(await tidemark(...asked)).toMatchObject({ code: 0, out: answers(1, 0, 2) });
});

test('a definition that is refused says where and why', async () => {
  const { code, out, err } = await tidemark('--usecase', join(folder, 'broken'), ...good());
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain("features.reads_7d.window: found 'a week'; allowed: a duration");
});

describe('bad input with --bad-lines fail: exit code 2, the file, the line and the reason, and nothing on standard output', () => {
  /** The last of an option counts. */
  const run = (...more: readonly string[]) => tidemark('--usecase', TINY, ...good(), '--bad-lines', 'fail', ...more);

  test('events', async () => {
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
    const { code, out, err } = await run('--events', events);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.trimEnd().split('\n').slice(-7)).toEqual([
      expect.stringMatching(/^6 bad lines of events \((?=.*INVALID_EVENT_TIME 1).*MALFORMED_JSON 1/),
      'bad.ndjson:2: MALFORMED_JSON: record: found text that is not valid JSON; allowed: one JSON object',
      expect.stringMatching(/^bad\.ndjson:4: INVALID_FIELD: properties\.seconds: found string; allowed: an integer/),
      expect.stringMatching(/^bad\.ndjson:5: INVALID_EVENT_TIME: event_time: .* not a time in iso8601/),
      'bad.ndjson:6: UNKNOWN_EVENT_TYPE: event_type: found string; allowed: article_read',
      expect.stringMatching(/^bad\.ndjson:7: EVENT_TIME_IN_FUTURE: event_time: found a time 3600000 ms after/),
      expect.stringMatching(/^bad\.ndjson:8: MISSING_ENTITY: entity_id: found undefined/),
    ]);
    expect(err).not.toContain('much');
  });

  test('queries', async () => {
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
    const { code, out, err } = await run('--queries', queries);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    const told = err.trimEnd().split('\n').slice(-9);
    expect(told[0]).toBe(
      '8 bad lines of queries (INVALID_TIME 5, MISSING_ENTITY 1, NOT_AN_OBJECT 1, MALFORMED_JSON 1):',
    );
    const time = 'INVALID_TIME: t: ';
    const reasons = [time, time, time, time, 'MISSING_ENTITY', 'NOT_AN_OBJECT', 'MALFORMED_JSON', time];
    reasons.forEach((reason, i) => {
      expect(told[i + 1]).toContain(`bad.ndjson:${i + 1}: ${reason}`);
    });
  });

  test('files and options', async () => {
    const missing = await run('--events', 'none.ndjson');
    expect(missing).toMatchObject({ code: 2, out: '', err: expect.stringContaining('none.ndjson does not exist') });
    const both = await run('--events', '-', '--queries', '-');
    expect(both).toMatchObject({ code: 2, out: '', err: expect.stringContaining('standard input for one of them') });
    const cut = await run('--events', file('cut.ndjson', gzipSync(EVENTS).subarray(0, -4)));
    expect(cut).toMatchObject({ code: 2, out: '', err: expect.stringContaining('cut.ndjson is gzip data that ends') });
    const view = await run('--view', 'none');
    expect(view).toMatchObject({ code: 2, out: '', err: expect.stringContaining('--view: found another name') });
  });
});
