import { describe, expect, test } from '@jest/globals';
import { ModelFailedError } from '../../engine/ports.ts';
import { within } from '../../engine/score/serving-budget.ts';
import { nextPackages, ServingRefusedError } from '../../engine/score/serving-record.ts';
import type { ServedPackage } from '../../names/serving.ts';

const model = (name: string): ServedPackage => ({
  package_arn: `arn:${name}`,
  model_data_url: `s3://lake/models/${name}`,
  model_sha256: '0'.repeat(64),
  model_version: name,
});
const [a, b, c] = [model('a'), model('b'), model('c')];

describe('what serves next', () => {
  test('a champion takes the place of the one before, also told twice', () => {
    expect(nextPackages(null, 'champion', a)).toEqual({ champion: a });
    expect(nextPackages({ champion: a }, 'champion', b)).toEqual({ champion: b });
    expect(nextPackages({ champion: b }, 'champion', b)).toEqual({ champion: b });
  });

  test('a challenger stands beside it, and goes again', () => {
    expect(nextPackages({ champion: a }, 'challenger', b)).toEqual({ champion: a, challenger: b });
    expect(nextPackages({ champion: a, challenger: b }, 'challenger', b)).toEqual({ champion: a, challenger: b });
    expect(nextPackages({ champion: a, challenger: b }, 'one', null)).toEqual({ champion: a });
    expect(nextPackages({ champion: a, challenger: b }, 'champion', a)).toEqual({ champion: a, challenger: b });
  });

  test.each([
    [{ champion: a, challenger: b }, 'champion', c, /^An experiment runs/],
    [{ champion: a, challenger: b }, 'challenger', c, /^Another challenger serves/],
    [null, 'challenger', b, /^No model of this registry serves/],
    [null, 'one', null, /^No model of this registry serves/],
  ] as const)('refused (%#)', (current, wanted, one, said) => {
    expect(() => nextPackages(current, wanted, one)).toThrow(ServingRefusedError);
    expect(() => nextPackages(current, wanted, one)).toThrow(said);
  });
});

describe('a budget of time', () => {
  test('what is in time is given through, whether it fails or not', async () => {
    await expect(within(1000, Promise.resolve(7))).resolves.toBe(7);
    await expect(within(1000, Promise.reject(new Error('own')))).rejects.toThrow('own');
  });

  test('what is late is a model that fails, and its own end is nobody’s any more', async () => {
    let fail: (error: Error) => void = () => {};
    const late = within(5, new Promise((_, reject) => (fail = reject)));
    await expect(late).rejects.toThrow(ModelFailedError);
    // Were it not looked at, it would end the process.
    fail(new Error('later'));
    await new Promise((done) => setImmediate(done));
  });
});
