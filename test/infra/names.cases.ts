import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadStage } from '../../lib/config/stages.ts';
import { LONGEST_USE_CASE_NAME } from '../../lib/foundation/deployment.ts';
import { ROLLBACK_ALARMS } from '../../lib/training/rollback-alarms.ts';
import { awsAnswer } from '../conformance/aws.ts';
import { type Resource, STACKS, STAGES, type Synthesised, synthesiseConfig, TINY } from './synthesised.ts';

const SAGEMAKER_NAME = { pattern: new RegExp(awsAnswer<string>('sagemaker.model-name')), max: 63 };

/**
 * What each service takes for a name that the template gives, be it ours or the CDK's (API reference of the Create operation).
 * Names that CloudFormation generates are shortened by it.
 */
const NAMES: Readonly<Record<string, { readonly pattern: RegExp; readonly max: number }>> = {
  'AWS::CloudWatch::Alarm AlarmName': { pattern: /^[\x20-\x7e]+$/, max: 255 },
  'AWS::CloudWatch::CompositeAlarm AlarmName': { pattern: /^[\x20-\x7e]+$/, max: 255 },
  // Athena asks for lower case, digits and _.
  'AWS::Glue::Database DatabaseInput.Name': { pattern: /^[a-z0-9_]+$/, max: 255 },
  'AWS::SageMaker::ModelPackageGroup ModelPackageGroupName': SAGEMAKER_NAME,
  'AWS::Scheduler::Schedule GroupName': { pattern: /^[0-9a-zA-Z_.-]+$/, max: 64 },
  'AWS::Scheduler::ScheduleGroup Name': { pattern: /^[0-9a-zA-Z_.-]+$/, max: 64 },
};
const STACK_NAME = { pattern: /^[a-zA-Z][-a-zA-Z0-9]*$/, max: 128 };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-names-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder with the tiny use case under another name. */
function named(name: string): string {
  const at = path.join(folder, name);
  mkdirSync(at, { recursive: true });
  const source = readFileSync(path.join(TINY, 'index.ts'), 'utf8');
  writeFileSync(
    path.join(at, 'index.ts'),
    source
      .replace("name: 'tiny'", `name: '${name}'`)
      .replace("'../tiny/index.ts'", JSON.stringify(path.join(TINY, '../tiny/index.ts'))),
  );
  return at;
}

/** Every text under a key that ends with Name, however deep, with the path of its keys; references are no names. */
function namesIn(value: unknown, at = ''): Array<[string, string]> {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]): Array<[string, string]> => {
    if (key.startsWith('Fn::')) return [];
    const where = Array.isArray(value) ? at : [at, key].filter(Boolean).join('.');
    return typeof inner === 'string' ? (/Name$/.test(key) ? [[where, inner]] : []) : namesIn(inner, where);
  });
}

const LONG = `reader_${'x'.repeat(LONGEST_USE_CASE_NAME - 7)}`;
const DASHED = LONG.replaceAll('_', '-');

describe.each(STAGES)('with a use case of %s whose name is as long as it may be', (stage) => {
  let synthesised: Synthesised;
  beforeAll(async () => {
    synthesised = await synthesiseConfig(loadStage(stage), named(LONG));
  });

  test('every name that is given fits', () => {
    const checked: string[] = [];
    const wrong: string[] = [];
    const check = (kind: string, name: string, rule = NAMES[kind]) => {
      checked.push(kind);
      if (rule === undefined) wrong.push(`${kind}: no rule for ${name}; write down what the service takes`);
      else if (!rule.pattern.test(name) || name.length > rule.max) wrong.push(`${kind}: ${name} (${name.length})`);
    };
    for (const stack of STACKS) {
      check('stack', synthesised.stacks[stack].stackName, STACK_NAME);
      const resources = synthesised.template(stack).toJSON().Resources as Record<string, Resource>;
      for (const { Type, Properties = {} } of Object.values(resources)) {
        for (const [key, value] of namesIn(Properties)) {
          if (/reader[^a-z]?x{5}/i.test(value)) check(`${Type} ${key}`, value);
        }
      }
    }
    expect(wrong).toEqual([]);
    // The schedule of the local stage is off, so nothing there can miss a sweep.
    const named = Object.keys(NAMES).filter((name) => stage !== 'local' || !name.startsWith('AWS::CloudWatch::Comp'));
    expect(checked).toEqual(expect.arrayContaining([...named, 'stack']));
  });

  test('every name that the state machine makes fits, whatever its execution is called', () => {
    const [machine] = Object.values(synthesised.template('training').findResources('AWS::StepFunctions::StateMachine'));
    const text = JSON.stringify(machine?.Properties.DefinitionString);
    // Twelve digits of a hash, and nothing else of the execution's name, which is `<uuid>_<uuid>` when a rule starts it.
    expect(text.match(/Execution\.Name/g)).toHaveLength(5);
    expect(text).toContain("$substring($hash($states.context.Execution.Name, 'SHA-256'), 0, 12)");
    const run = 'f'.repeat(12);
    const made = new Set(
      [...text.matchAll(/'([^']*)' & \$run(?: & '(-\w)')?/g)].map(
        ([, prefix, ending = '']) => `${prefix}${run}${ending}`,
      ),
    );
    for (const name of made) if (name.startsWith('s3:')) made.delete(name); // a key may be as long as it likes
    const alarms = [...made].filter((name) => name.includes('/'));
    expect(alarms).toHaveLength(stage === 'prod' ? ROLLBACK_ALARMS.length : 0);
    for (const name of alarms) expect(name.length).toBeLessThanOrEqual(255);
    const resources = [...made].filter((name) => !name.includes('/'));
    const own = `tidemark-${stage}-${DASHED}-${run}`;
    // In dev no endpoint is made, and so no configuration of one with two models.
    expect(resources.sort()).toEqual(stage === 'dev' ? [own] : [own, `${own}-x`]);
    for (const name of resources) {
      expect(name).toMatch(SAGEMAKER_NAME.pattern);
      expect(name.length).toBeLessThanOrEqual(SAGEMAKER_NAME.max);
    }
  });
});

test.each([
  [`${LONG}x`, /name: found string of 33 characters; allowed: up to 32/],
  ['reader_', /name: found string of 7 characters that ends with _; allowed: up to 32, the last a letter or a digit/],
])('a use case called %s is refused when the app is built', async (name, sentence) => {
  await expect(synthesiseConfig(loadStage('prod'), named(name))).rejects.toThrow(sentence);
});
