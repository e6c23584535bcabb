/** docs/reference is what `npm run docs` makes of the sources, and every document has one sentence on a line. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { documents, ROOT } from '../../docs/generate/documents.ts';
import { referencePages } from '../../docs/generate/pages.ts';
import { oneSentenceALine, sentencesOf } from '../../docs/generate/sentences.ts';

const FOLDER = join(ROOT, 'docs', 'reference');
let pages: ReadonlyMap<string, string>;

beforeAll(async () => {
  pages = await referencePages();
});

test('the pages are those that are generated', () => {
  expect(readdirSync(FOLDER).sort()).toEqual([...pages.keys()].sort());
});

test.each(readdirSync(FOLDER))('%s is up to date; if not: npm run docs', (name) => {
  expect(readFileSync(join(FOLDER, name), 'utf8')).toBe(pages.get(name));
});

test.each([
  ['cli.md', '`--training-set <id>` | required |', 'an option of a command of a command'],
  ['cli.md', 'npx tidemark features eval --usecase churn', 'the text below a help'],
  [
    'settings.md',
    '| `stream.shards` | 1 to 500 | – | `1` | `2` |',
    'a setting of one mode, with the value of each stage',
  ],
  ['settings.md', '2 or more with a canary', 'a rule over two settings'],
  ['metrics.md', '| `FreshnessMs` | scorer | milliseconds |', 'a unit'],
  ['alarms.md', '[sweep-missing](../runbook.md#sweep-missing)', 'an alarm made of two'],
  ['alarms.md', 'p99 > 30,000 in 3 of 3 × 5 min', 'a condition'],
  ['quarantine.md', '| `TOO_DEEP` |', 'a reason'],
  ['limits.md', '| The widest window | 400 days |', 'a constant that is computed'],
  [
    'local-cloud.md',
    '| `kinesis.reshard` | [kinesis-using-sdk-java-after-resharding](https://',
    'a plug-in and its source',
  ],
  ['definitions.md', '| `dedupe` (optional) | `Remembered` |', 'a member of a definition'],
])('%s has %j: %s', (name, text) => {
  expect(pages.get(name)).toContain(text);
});

describe('one sentence a line', () => {
  test.each(documents())('%s; if not: npm run docs', (name) => {
    const text = readFileSync(join(ROOT, name), 'utf8');
    expect(oneSentenceALine(text)).toBe(text);
  });

  test.each([
    ['One. Two.', ['One.', 'Two.']],
    ['Is it? `yes` it is.', ['Is it?', '`yes` it is.']],
    ['See [a. B](c.md#d. E). Then `x. Y` goes on.', ['See [a. B](c.md#d. E).', 'Then `x. Y` goes on.']],
    ['**Lead.** It stays.', ['**Lead.** It stays.']],
    ['As said (e.g. Kinesis) in 3.5 of 4.', ['As said (e.g. Kinesis) in 3.5 of 4.']],
  ])('%j', (prose, sentences) => {
    expect(sentencesOf(prose)).toEqual(sentences);
  });

  test('code, tables and headings stay as they are, items keep their indent', () => {
    const text = '# A. B\n\n```sh\na. B\n```\n\n| a. B |\n\n- One. Two\n  goes on. Three.\n- Four.';
    expect(oneSentenceALine(text)).toBe(
      '# A. B\n\n```sh\na. B\n```\n\n| a. B |\n\n- One.\n  Two goes on.\n  Three.\n- Four.',
    );
  });
});
