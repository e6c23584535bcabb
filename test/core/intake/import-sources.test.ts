/** Sources whose tables Spark reads: what has to be said of them, and what can't be asked of them. */
import { expect, test } from '@jest/globals';
import { at, defineUseCase, rule, source } from '../../../core/definition/define.ts';
import { read, spec } from '../../fixtures/usecases/tiny/index.ts';

const map = [rule({ event: read, entity: at('/after/reader'), time: { from: '/after/at', format: 'iso8601' } })];
const table = { kind: 'table' as const, key: ['id'], version: 'at' };
const withSource = (more: object, way: object = table) =>
  defineUseCase({
    ...spec,
    sources: [source('orders', { envelope: 'rows', via: [way as typeof table], map, ...more })],
  });

test('the overlap of a table is an hour, of a database a quarter, unless they are said', () => {
  const overlap = (way: object) => withSource({}, way).sources![0]!.via[0]!.options.overlapSeconds;
  expect([overlap(table), overlap({ ...table, kind: 'jdbc' }), overlap({ ...table, overlapSeconds: 5 })]).toEqual([
    3600, 900, 5,
  ]);
});

test.each([
  ['a table without a key', {}, { ...table, key: [] }, /via\.0\.key/],
  ['a table without a version', {}, { kind: 'table', key: ['id'] }, /via\.0\.version/],
  ['a database with a column of arrivals', {}, { ...table, kind: 'jdbc', arrived: 'x' }, /via\.0/],
  ['a module', { map: undefined, mapWith: './maps/x.ts' }, table, /mapWith.*Spark/],
  ['rules of erasure', { erase: [{ when: at('/op').eq('d'), entity: at('/key/id') }] }, table, /erase.*Spark/],
])('refuses %s', (_, more, way, message) => {
  expect(() => withSource(more, way)).toThrow(message);
});
