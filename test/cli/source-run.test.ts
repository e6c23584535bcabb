/** `tidemark source run`: the first time what is there is history, and the states are filled from it. */

import type { Stack } from '@aws-sdk/client-cloudformation';
import { beforeEach, expect, jest, test } from '@jest/globals';
import { runImport } from '../../cli/commands/source/run.ts';
import { Resources } from '../../cli/stage/resources.ts';
import type { OpenStage } from '../../cli/stage/stage.ts';
import { importJobOutput, OUTPUT } from '../../names/outputs.ts';

interface Sent {
  readonly input: { readonly JobName?: string; readonly Arguments?: object; readonly Key?: object };
}

beforeEach(() => {
  jest.spyOn(console, 'log').mockReturnValue(undefined);
});

/** A stage whose jobs all succeed. @param marks ways that have one */
function stageOf(marks: readonly string[], ways: readonly ('table' | 'jdbc')[] = ['table']) {
  const started: (readonly [string | undefined, object | undefined])[] = [];
  const outputs = {
    [OUTPUT.featuresTable]: 'features',
    [OUTPUT.compactArchiveJob]: 'compact',
    [OUTPUT.backfillStatesJob]: 'backfill',
    ...Object.fromEntries(ways.map((way) => [importJobOutput('orders', way), `import-${way}`])),
  };
  const Outputs = Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue }));
  const glue = async ({ input, constructor: { name } }: Sent & { constructor: { name: string } }) => {
    if (name !== 'StartJobRunCommand') return { JobRun: { JobRunState: 'SUCCEEDED' } };
    started.push([input.JobName, input.Arguments]);
    return { JobRunId: 'run' };
  };
  const dynamodb = async ({ input }: Sent) => {
    const { entity_id, view } = input.Key as { entity_id: { S: string }; view: { S: string } };
    expect(entity_id.S).toBe('#import');
    return marks.some((way) => view.S === `orders#${way}`) ? { Item: {} } : {};
  };
  const stage = {
    target: { stage: 'local' },
    clients: { glue: { send: glue }, dynamodb: { send: dynamodb }, logs: {} },
    resources: new Resources('local', 'shop', [{ Outputs } as unknown as Stack]),
    step: (_: string, work: (watch: object) => unknown) => work({}),
  } as unknown as OpenStage;
  return { stage, started };
}

test('the first run is told so, and states are filled', async () => {
  const { stage, started } = stageOf([]);
  await runImport(stage, 'orders', false);
  expect(started).toEqual([
    ['import-table', { '--first': 'yes' }],
    ['compact', {}],
    ['backfill', {}],
  ]);
});

test('a later run brings what is new, or all of it again', async () => {
  const { stage, started } = stageOf(['table', 'jdbc'], ['table', 'jdbc']);
  await runImport(stage, 'orders', true);
  expect(started).toEqual([
    ['import-table', { '--again': 'yes' }],
    ['import-jdbc', { '--again': 'yes' }],
  ]);
});

test('a source without a table is named', async () => {
  const { stage } = stageOf([]);
  await expect(runImport(stage, 'people', false)).rejects.toThrow('imports no table of a source "people"');
});
