import { describe, expect, test } from '@jest/globals';
import { differences, reviewed, wholeText } from './reviewed.ts';
import { STACKS, type StackName } from './synthesised.ts';
import { type Placed, Templates } from './templates.ts';

const sections = (templates: Templates, stack: StackName) => reviewed(templates.byStack[stack]);

/** Lines that a reviewer sees of a change, over all stacks. */
async function shown(change: (resource: Placed) => void): Promise<string[]> {
  const prod = await Templates.of('prod');
  const changed = prod.broken(change);
  return STACKS.flatMap((stack) => differences(sections(prod, stack), 'prod', sections(changed, stack), 'prod'))
    .filter((text) => text !== '')
    .flatMap((text) => text.split('\n'));
}

/** Paths to every scalar below a value. */
function leavesOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

function changedAt<T>(value: T, path: readonly (string | number)[]): T {
  const copy = structuredClone(value);
  let at = copy as Record<string, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[path.at(-1)!] = `${String(at[path.at(-1)!])}~`;
  return copy;
}

describe('the text of a template', () => {
  test('shows a changed alarm in its lines, and nothing beside them', async () => {
    const lines = await shown(({ type, properties }) => {
      if (type === 'AWS::CloudWatch::Alarm' && /ProcessorErrors$/.test(String(properties.AlarmName)))
        properties.Threshold = 7;
    });
    expect(lines).toEqual([
      expect.stringMatching(/^ {2}AWS::CloudWatch::Alarm AlarmsProcessorErrors/),
      '-   Threshold: 1',
      '+   Threshold: 7',
    ]);
  });

  test('shows a grant that became wider in one line a statement', async () => {
    const lines = await shown(({ id, properties }) => {
      if (!id.startsWith('AlertingNotifierRoleDefaultPolicy')) return;
      const { Statement } = properties.PolicyDocument as { Statement: Array<{ Action: unknown }> };
      for (const statement of Statement)
        if (JSON.stringify(statement).includes('secretsmanager:')) statement.Action = 'secretsmanager:*';
    });
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^- {3}PolicyDocument\.Statement\[\]: Allow .*secretsmanager:GetSecretValue.* on </);
    expect(lines[2]).toMatch(/^\+ {3}PolicyDocument\.Statement\[\]: Allow secretsmanager:\* on </);
  });

  test('shows what came and what went by its type and name', async () => {
    const prod = await Templates.of('prod');
    const { Resources, ...rest } = prod.byStack.storage;
    const [id, { Type }] = Object.entries(Resources)[0]!;
    const { [id]: _, ...less } = Resources;
    const [all, without] = [reviewed({ ...rest, Resources }), reviewed({ ...rest, Resources: less })];
    expect(differences(all, 'prod', without, 'prod')).toBe(`- ${Type} ${id}`);
    expect(differences(without, 'prod', all, 'prod').split('\n')).toEqual([
      `+ ${Type} ${id}`,
      ...all.get(`${Type} ${id}`)!.map((line) => `+   ${line.replaceAll(/\bprod\b/g, '<stage>')}`),
    ]);
  });

  test.each(STACKS)('changes with every value in a resource of %s but the hashes of assets', async (stack) => {
    const { Resources } = (await Templates.of('prod')).byStack[stack];
    const unseen: string[] = [];
    let values = 0;
    for (const [id, resource] of Object.entries(Resources)) {
      const { Metadata: _, ...seen } = resource;
      const text = wholeText(reviewed({ Resources: { [id]: seen } }));
      for (const path of leavesOf(seen)) {
        if (/asset|^Properties\.Code\b/.test(path.join('.'))) continue;
        values += 1;
        const other = changedAt(seen, path);
        if (wholeText(reviewed({ Resources: { [id]: other } })) === text) unseen.push(`${id}: ${path.join('.')}`);
      }
    }
    expect(unseen).toEqual([]);
    expect(values).toBeGreaterThan(50);
  });
});
