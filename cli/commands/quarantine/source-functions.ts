import { InvokeCommand } from '@aws-sdk/client-lambda';
import { z } from 'zod';
import type { QuarantineLine } from '../../../engine/ingest/quarantine.ts';
import type { Intake } from '../../../engine/quarantine/redrive.ts';
import { intakeFunction, intakeKey, type RedriveEvent, redriveAnswer } from '../../../names/redrive.ts';
import type { Clients } from '../../stage/connection.ts';
import type { Resources } from '../../stage/resources.ts';
import { physicalIds, readTemplate } from '../../stage/stack-template.ts';

/** "6 MB each for request and response (synchronous)" (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), with room for the rest of the event. */
const MAX_INVOCATION_BYTES = 5_000_000;

const variables = z.object({ Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }) });

/** Functions of sources, by `intakeKey`. */
export async function sourceFunctions(
  { cloudformation }: Pick<Clients, 'cloudformation'>,
  resources: Resources,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { StackName = '' } of resources.stacks) {
    const physical = await physicalIds(cloudformation, StackName);
    for (const [id, { Type, Properties }] of Object.entries(await readTemplate(cloudformation, StackName))) {
      const own = variables.safeParse(Properties).data?.Environment.Variables ?? {};
      const key = Type === 'AWS::Lambda::Function' ? intakeFunction(own) : null;
      if (key !== null) found.set(key, physical.get(id) ?? '');
    }
  }
  return found;
}

/** Gives raw records to a function once more, as many at a time as one invocation takes. */
export async function giveBack(
  { lambda }: Pick<Clients, 'lambda'>,
  functions: ReadonlyMap<string, string>,
  { source, carriage }: Intake,
  lines: readonly Pick<QuarantineLine, 'raw_base64' | 'arrival'>[],
): Promise<readonly boolean[] | null> {
  const FunctionName = functions.get(intakeKey(source, carriage));
  if (FunctionName === undefined) return null;
  const answers: boolean[] = [];
  for (const part of requests(lines)) {
    const redrive = part.map(({ raw_base64, arrival }) => ({ raw_base64, received_ms: arrival }));
    const event: RedriveEvent = { redrive };
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }),
    );
    if (FunctionError !== undefined) throw new Error(`${FunctionName} failed (${FunctionError}); see its log`);
    const said = redriveAnswer.safeParse(JSON.parse(Buffer.from(Payload ?? []).toString('utf8') || 'null'));
    if (said.data?.taken.length !== part.length)
      throw new Error(`${FunctionName} did not say of ${part.length} records whether it took them; see its log`);
    answers.push(...said.data.taken);
  }
  return answers;
}

function* requests<Line extends Pick<QuarantineLine, 'raw_base64'>>(lines: readonly Line[]): Generator<Line[]> {
  let request: Line[] = [];
  let bytes = 0;
  for (const line of lines) {
    const size = line.raw_base64.length + 100;
    if (request.length > 0 && bytes + size > MAX_INVOCATION_BYTES) {
      yield request;
      request = [];
      bytes = 0;
    }
    request.push(line);
    bytes += size;
  }
  if (request.length > 0) yield request;
}
