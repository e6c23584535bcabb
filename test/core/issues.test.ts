import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { issuesOf } from '../../core/ir/issues.ts';

const schema = z.strictObject({
  name: z.string().min(1),
  port: z.int().max(10),
  kind: z.enum(['wall', 'replay']).optional(),
  ids: z.array(z.string().refine((id) => !id.startsWith('#'), 'an id')).min(1, 'one id or more'),
  size: z.union([z.number(), z.boolean()]).optional(),
});
const fine = { name: 'a', port: 1, ids: ['x'] };

test.each([
  [{ name: undefined }, 'name', 'nothing', 'string'],
  [{ name: '' }, 'name', 'string', 'string of at least 1'],
  [{ port: 11 }, 'port', 'number', 'number of at most 10'],
  [{ port: Number.NaN }, 'port', 'a number that is not finite', 'number'],
  [{ kind: 'secret' }, 'kind', 'string', '"wall", "replay"'],
  [{ ids: [] }, 'ids', 'array', 'one id or more'],
  [{ ids: ['x', '#secret'] }, 'ids.1', 'string', 'an id'],
  [{ size: 'secret' }, 'size', 'string', 'number or boolean'],
  [{ nmae: 'secret' }, 'nmae', 'an unknown field', 'remove it or correct its spelling'],
])('%j', (change, field, found, allowed) => {
  const input = { ...fine, ...change };
  expect(issuesOf(schema.safeParse(input).error!, input)).toEqual([{ field, found, allowed }]);
});

test('at the top, and each unknown field alone', () => {
  expect(issuesOf(schema.safeParse(null).error!, null)).toEqual([{ field: '', found: 'null', allowed: 'object' }]);
  const input = { ...fine, a: 1, b: 2 };
  expect(issuesOf(schema.safeParse(input).error!, input).map(({ field }) => field)).toEqual(['a', 'b']);
});
