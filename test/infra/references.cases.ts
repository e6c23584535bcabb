import { describe, expect, test } from '@jest/globals';
import { awsAnswer } from '../conformance/aws.ts';
import { STACKS, STAGES } from './synthesised.ts';
import { Templates } from './templates.ts';

/** Occurrences of an intrinsic function in a template. */
function occurrences(template: unknown, name: string): number {
  return JSON.stringify(template).split(`"${name}"`).length - 1;
}

/**
 * Graphs name functions and the machine, which may go without asking the dashboard. 75 look-ups in one template is what was
 * seen to be throttled.
 */
const LOOK_UPS = 14;

describe.each(STAGES)('references between the stacks of %s', (stage) => {
  test('are exports and imports; only the dashboard looks outputs up, once an occurrence', async () => {
    expect(awsAnswer('cloudformation.get-stack-output')).toBe('one DescribeStacks call per occurrence');
    const { byStack } = await Templates.of(stage);
    const lookUps = STACKS.map((stack) => [stack, occurrences(byStack[stack], 'Fn::GetStackOutput')]);
    expect(Object.fromEntries(lookUps)).toEqual({ storage: 0, realtime: 0, training: 0, monitoring: LOOK_UPS });
    expect(occurrences(byStack.realtime, 'Fn::ImportValue')).toBeGreaterThan(100);
    expect(occurrences(byStack.training, 'Fn::ImportValue')).toBeGreaterThan(100);
  }, 60_000);

  test('all end at a resource or output that exists', async () => {
    const templates = await Templates.of(stage);
    const lost: string[] = [];
    let references = 0;
    for (const stack of STACKS) {
      JSON.stringify(templates.byStack[stack], (_, value) => {
        if (value?.['Fn::ImportValue'] !== undefined || value?.['Fn::GetStackOutput'] !== undefined) {
          references += 1;
          if (templates.target(stack, value) === undefined) lost.push(`${stack}: ${JSON.stringify(value)}`);
        }
        return value;
      });
    }
    expect(lost).toEqual([]);
    expect(references).toBeGreaterThan(200);
  });
});
