/** Slices of a model: between fixed instants, or moving with what is known. */
import { expect, test } from '@jest/globals';
import { compileModel, type ModelSpec } from '../../core/definition/model.ts';
import { parseUseCase } from '../../core/definition/usecase.ts';
import type { UseCaseIR } from '../../core/ir/document.ts';
import { DefinitionError } from '../../core/ir/errors.ts';
import { DAY } from '../../core/values/time.ts';
import { ir, model } from '../engine/use-case.ts';

const MOVING = { last_ms: 180 * DAY, every_ms: 14 * DAY };

/** The use case with these slices in its document. */
const withSlices = (slices: object) => parseUseCase({ ...ir, model: { ...ir.model, ...slices } } as UseCaseIR);

test('that all move are taken as they are said', () => {
  const all = { train: MOVING, validation: MOVING, test: { last_ms: DAY, every_ms: 14 * DAY } };
  expect(withSlices(all).model).toMatchObject(all);
});

test.each(['train', 'validation', 'test'])('that move beside others that do not are refused: %s', (slice) => {
  expect(() => withSlices({ [slice]: MOVING })).toThrow(DefinitionError);
  expect(() => withSlices({ [slice]: MOVING })).toThrow(
    `model.${slice}: found last beside slices with from and to; allowed: last in all three, or in none`,
  );
});

test('are written with durations, and with nothing else', () => {
  const names = new Map() as unknown as Parameters<typeof compileModel>[2];
  const compiled = (test: object) =>
    compileModel({ ...model, inputs: [], baselineInputs: [], test } as unknown as ModelSpec, 'view', names);
  expect(compiled({ last: '180d', every: '14d' }).test).toEqual(MOVING);
  expect(() => compiled({ last: '180', every: '14d' })).toThrow(/^model\.test\.last/);
  expect(() => compiled({ last: '7d', every: '7d', to: '2017-10-01T00:00:00Z' })).toThrow(/^model\.test/);
});
