/**
 * A line of what SageMaker captures of an endpoint
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html): one request and its answer.
 */
import { z } from 'zod';

const side = z.object({ data: z.string(), encoding: z.enum(['JSON', 'CSV', 'BASE64']) });
const line = z.object({
  captureData: z.object({ endpointInput: side, endpointOutput: side.optional() }),
  eventMetadata: z.object({ eventId: z.string(), inferenceTime: z.string() }),
});
const request = z.object({ instances: z.array(z.array(z.number().nullable())) });
const answer = z.object({ predictions: z.array(z.object({ score: z.unknown() })) });

export interface CapturedRow {
  readonly inputs: readonly (number | null)[];
  /** Undefined: the model gave another number of scores than rows, or no JSON. */
  readonly score: unknown;
}

/**
 * The rows of one captured request; none where it failed, which SageMaker counts.
 * @throws Error when it is no line of a capture
 */
export function capturedRows(text: string): CapturedRow[] {
  const { endpointInput, endpointOutput } = line.parse(JSON.parse(text)).captureData;
  if (!endpointOutput) return [];
  const { instances } = request.parse(JSON.parse(textOf(endpointInput)));
  const scores = scoresOf(textOf(endpointOutput));
  return instances.map((inputs, i) => ({ inputs, score: scores?.[i] }));
}

function textOf({ data, encoding }: z.infer<typeof side>): string {
  return encoding === 'BASE64' ? Buffer.from(data, 'base64').toString('utf8') : data;
}

/** NaN is no JSON: then none of the answer's scores counts as one. */
function scoresOf(text: string): unknown[] | undefined {
  try {
    return answer.safeParse(JSON.parse(text)).data?.predictions.map(({ score }) => score);
  } catch {
    return undefined;
  }
}
