import { describe, expect, test } from '@jest/globals';
import { nameOf, SUPPORTED, supportAt, usedVersions } from './support.ts';
import { STAGES } from './synthesised.ts';
import { Templates } from './templates.ts';

describe('runtimes, engines and images', () => {
  test.each(STAGES)(
    'that %s deploys on have a row with the end of their support, and there is no other row',
    async (stage) => {
      expect(usedVersions(await Templates.of(stage))).toEqual(SUPPORTED.map(nameOf).sort());
    },
  );

  test('have support ahead', () => {
    expect(supportAt(Date.now()).ended).toEqual([]);
  });

  // A warning is a test to be done: it stands in the list and in the count of every run, and fails none.
  for (const warning of supportAt(Date.now()).soon) test.todo(warning);
});

describe('the check of support', () => {
  const [row] = SUPPORTED.filter(({ what }) => what === 'SageMaker image');
  const at = (day: string) => supportAt(Date.parse(day), row === undefined ? [] : [row]);

  test.each<[string, number, number]>([
    ['2027-03-14T00:00:00Z', 0, 0],
    ['2027-03-15T00:00:00Z', 0, 1],
    ['2027-05-13T23:59:59Z', 0, 1],
    ['2027-05-14T00:00:00Z', 1, 0],
    ['2031-01-01T00:00:00Z', 1, 0],
  ])('at %s finds %i ended and %i that end within 60 days', (day, ended, soon) => {
    expect([at(day).ended.length, at(day).soon.length]).toEqual([ended, soon]);
  });

  test('says what, until when, and who says so', () => {
    expect(at('2027-05-01T12:00:00Z').soon).toEqual([
      'SageMaker image sagemaker-xgboost:3.2-0 is patched until 2027-05-13, 12 days from now ' +
        '(https://github.com/aws/deep-learning-containers docs/src/data/sagemaker-xgboost, end of patch)',
    ]);
    expect(at('2027-06-01T00:00:00Z').ended[0]).toMatch(/has had no patches since 2027-05-13/);
  });

  test('a version without a row is found', async () => {
    const templates = (await Templates.of('prod')).broken(({ type, properties }) => {
      if (type === 'AWS::Glue::Job') properties.GlueVersion = '4.0';
    });
    expect(usedVersions(templates)).toContain('Glue version 4.0');
    expect(usedVersions(templates)).not.toEqual(SUPPORTED.map(nameOf).sort());
  });
});
