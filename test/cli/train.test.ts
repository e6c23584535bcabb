/** What `tidemark train` makes of the ends of the state machine. */
import { expect, test } from '@jest/globals';
import { askForTraining, runTraining } from '../../cli/commands/train/train.ts';
import type { Resources } from '../../cli/stage/resources.ts';

const resources = { get: () => 'machine' } as unknown as Resources;
const declined = {
  decision: 'cool-down',
  reason: 'The training that was started by hand at … is not long ago; --force trains all the same.',
};

/** Clients whose machine ends well, with this output; `started` are the inputs that it was given. */
function clientsOf(output: unknown) {
  const started: unknown[] = [];
  const sfn = {
    send: async (command: { readonly input: { readonly input?: string } }) => {
      if (command.input.input === undefined) return { status: 'SUCCEEDED', output: JSON.stringify(output) };
      started.push(JSON.parse(command.input.input));
      return { executionArn: 'execution' };
    },
  };
  const sagemaker = {
    send: async () => ({ ModelPackageVersion: 3, CustomerMetadataProperties: { training_set_id: 'set', auc: '0.85' } }),
  };
  return { started, clients: { sfn, sagemaker } as unknown as Parameters<typeof askForTraining>[0] };
}

test('a model is what the registry says of it', async () => {
  const { clients, started } = clientsOf({ model_package_arn: 'arn', endpoint_name: 'endpoint', gate: null });
  const found = await askForTraining(clients, resources, { force: true, as_of: 17 }, {});
  expect(found).toMatchObject({ version: 3, endpoint: 'endpoint', training_set_id: 'set', arn: 'arn' });
  expect(started).toEqual([{ force: true, as_of: 17 }]);
});

test('nothing to train is an answer with its reason, and no model', async () => {
  const { clients } = clientsOf(declined);
  expect(await askForTraining(clients, resources, {}, {})).toEqual(declined);
  await expect(runTraining(clients, resources, {}, {})).rejects.toThrow(
    `No model was trained (cool-down): ${declined.reason}`,
  );
});

test('anything else is an error', async () => {
  await expect(askForTraining(clientsOf({}).clients, resources, {}, {})).rejects.toThrow();
});
