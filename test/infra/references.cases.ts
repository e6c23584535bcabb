import { describe, expect, test } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { loadStage } from '../../lib/config/stages.ts';
import { loadDeployedUseCase } from '../../lib/config/use-case.ts';
import { StorageStack } from '../../lib/stacks/storage-stack.ts';
import { awsAnswer } from '../conformance/aws.ts';
import { STACKS, STAGES, synthesise, TINY } from './synthesised.ts';
import { Templates } from './templates.ts';

/** Occurrences of an intrinsic function in a template. */
function occurrences(template: unknown, name: string): number {
  return JSON.stringify(template).split(`"${name}"`).length - 1;
}

/**
 * Graphs name functions and the machine, which may go without asking the dashboard. 75 look-ups in one template is what was
 * seen to be throttled.
 */
const LOOK_UPS = 16;

describe.each(STAGES)('references between the stacks of %s', (stage) => {
  test('are exports and imports; only the dashboard looks outputs up, once an occurrence', async () => {
    expect(awsAnswer('cloudformation.get-stack-output')).toBe('one DescribeStacks call per occurrence');
    const { byStack } = await Templates.of(stage);
    const lookUps = STACKS.map((stack) => [stack, occurrences(byStack[stack], 'Fn::GetStackOutput')]);
    expect(Object.fromEntries(lookUps)).toEqual({
      storage: 0,
      realtime: 0,
      training: 0,
      intake: 0,
      monitoring: LOOK_UPS,
    });
    expect(occurrences(byStack.realtime, 'Fn::ImportValue')).toBeGreaterThan(100);
    expect(occurrences(byStack.training, 'Fn::ImportValue')).toBeGreaterThan(100);
  });

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

  test('rest on exports that stay when their last importer goes', async () => {
    const { outdir } = await synthesise(stage);
    const useCase = await loadDeployedUseCase(TINY, `${outdir}/generated`);
    const alone = new StorageStack(new App(), 'Storage', {
      deployment: { stage: loadStage(stage), useCase },
      region: 'eu-west-1',
      description: 'alone',
    });
    const exported = new Set(
      Object.values(Template.fromStack(alone).findOutputs('*', {})).map(({ Export }) => Export?.Name),
    );
    const imported = new Set<string>();
    JSON.stringify((await Templates.of(stage)).byStack, (_, value) => {
      if (value?.['Fn::ImportValue'] !== undefined) imported.add(value['Fn::ImportValue']);
      return value;
    });
    expect(imported.size).toBeGreaterThan(10);
    expect([...imported].filter((name) => !exported.has(name))).toEqual([]);
  });
});
