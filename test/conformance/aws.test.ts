import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { awsFacts } from './aws.ts';

const sources = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(ts|py)$/.test(file))
  .map((file) => readFileSync(join('test', file), 'utf8'));

describe('facts about AWS', () => {
  test('are sorted by id, each id once', () => {
    const ids = awsFacts.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort());
  });

  test.each(awsFacts)('$id has a source, and a reason where it is not followed', (fact) => {
    expect(fact.given).not.toBe('');
    expect(fact.source).not.toBe('');
    expect(fact.recorded).toMatch(/^(documented|20\d\d-\d\d-\d\d)$/);
    expect('ours' in fact).toBe('reason' in fact);
    if ('ours' in fact) expect(fact.ours).not.toEqual(fact.answer);
  });

  test.each(awsFacts.map(({ id }) => [id]))('%s is what a test compares with', (id) => {
    expect(sources.filter((text) => text.includes(`'${id}'`) || text.includes(`"${id}"`))).not.toEqual([]);
  });
});
