import { describe, expect, test } from '@jest/globals';
import { measure } from './limits.ts';
import { STAGES } from './synthesised.ts';
import { statementsOf, Templates } from './templates.ts';

/** Names of references are longer in an account: a generated name may have 255 characters where the sample has 40. */
const ROOM = 0.8;

describe.each(STAGES)('templates of %s', (stage) => {
  test('keep within the limits of CloudFormation, IAM, Lambda and Step Functions', async () => {
    const measured = measure(await Templates.of(stage));
    expect(measured.length).toBeGreaterThan(100);
    expect(measured.filter(({ found, limit }) => found > limit * ROOM)).toEqual([]);
  });
});

describe('the check of limits', () => {
  const over = (templates: Templates) => measure(templates).filter(({ found, limit }) => found > limit * ROOM);

  test('finds a role whose inline policies are too long together', async () => {
    const broken = (await Templates.of('prod')).broken(({ type, id, properties }) => {
      if (type !== 'AWS::IAM::Policy' || !id.startsWith('ProcessorFnRole')) return;
      const [first] = statementsOf(properties.PolicyDocument);
      Object.assign(first ?? {}, {
        Resource: Array.from({ length: 100 }, (_, i) => `arn:aws:s3:::${'x'.repeat(90)}${i}`),
      });
    });
    expect(over(broken).map(({ what }) => what)).toEqual([
      expect.stringMatching(/^inlinePolicies of realtime\/Processor/),
    ]);
  });

  test('finds an environment of more than 4 KiB', async () => {
    const broken = (await Templates.of('prod')).broken(({ type, id, properties }) => {
      if (type !== 'AWS::Lambda::Function' || !id.startsWith('Api')) return;
      const { Variables } = properties.Environment as { Variables: Record<string, unknown> };
      Variables.LONG = 'é'.repeat(1700);
    });
    expect(over(broken).map(({ what }) => what)).toEqual([expect.stringMatching(/^environment of realtime\/Api/)]);
  });

  test('finds an alarm whose text is too long', async () => {
    const broken = (await Templates.of('prod')).broken(({ type, properties }) => {
      if (type === 'AWS::CloudWatch::Alarm') properties.AlarmDescription = 'x'.repeat(900);
    });
    expect(over(broken).length).toBeGreaterThan(50);
  });
});
