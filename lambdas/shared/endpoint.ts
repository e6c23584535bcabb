import {
  InvokeEndpointCommand,
  type InvokeEndpointCommandOutput,
  SageMakerRuntimeClient,
} from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { pause } from './backoff.ts';
import { type Endpoint, type EndpointAnswer, ModelFailedError, ScoreRefusedError } from './ports.ts';

const answerSchema = z.object({
  predictions: z.array(z.object({ score: z.number().min(0).max(1), contributions: z.array(z.number()) })),
  model_version: z.string(),
  definition_hash: z.string(),
});
const refusalSchema = z.object({ definition_hash: z.string() });

/** A model answers in some milliseconds. One that needs longer than this hangs; SageMaker itself would wait for 60 s. */
const SILENCE_MS = 8000;
/** How often a model that fails is asked. During a canary another try may meet the other fleet. */
const TRIES = 4;
/** No further try begins later than this: with the SDK's own two, a call ends after 26 s, within an API's 29. */
const LAST_TRY_MS = 10_000;
/** Of the service and not of the model; the SDK has tried again already. */
const TRANSIENT = new Set([
  'InternalDependencyException',
  'InternalFailure',
  'ModelNotReadyException',
  'ServiceUnavailable',
  'ThrottlingException',
  'TimeoutError',
]);

/** For `SageMakerEndpoint`: with an end to waiting. */
export function runtimeClient(): SageMakerRuntimeClient {
  return new SageMakerRuntimeClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 2000, socketTimeout: SILENCE_MS },
  });
}

/** The model behind a SageMaker endpoint; it answers only for the definition that we compute. */
export class SageMakerEndpoint implements Endpoint {
  private readonly client: SageMakerRuntimeClient;
  private readonly endpoint: string;
  private readonly definition_hash: string;

  constructor(client: SageMakerRuntimeClient, endpoint: string, definition_hash: string) {
    this.client = client;
    this.endpoint = endpoint;
    this.definition_hash = definition_hash;
  }

  async score(instances: readonly (readonly (number | null)[])[]): Promise<EndpointAnswer> {
    const { definition_hash } = this;
    const answer = await this.invoke(JSON.stringify({ instances, definition_hash }));
    const body = parsed(answer.Body);
    if (body.definition_hash !== definition_hash) {
      throw new ScoreRefusedError(
        'definition_hash: found the hash of another definition; train and deploy a model for this one',
        'mismatch',
        body.definition_hash,
      );
    }
    if (body.predictions.length !== instances.length) {
      throw new ModelFailedError(
        `predictions: found ${body.predictions.length}; allowed: ${instances.length}, one an instance`,
      );
    }
    const variant = answer.InvokedProductionVariant ?? '';
    return { scores: body.predictions, variant, model_version: body.model_version };
  }

  /** Asks until the model answers or refuses, or tries or time are over. */
  private async invoke(body: string): Promise<InvokeEndpointCommandOutput> {
    const began = Date.now();
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.client.send(
          new InvokeEndpointCommand({
            EndpointName: this.endpoint,
            ContentType: 'application/json',
            Accept: 'application/json',
            Body: body,
          }),
        );
      } catch (error) {
        const { refused, failed } = meaning(error);
        if (refused) throw refused;
        if (!failed) throw error;
        if (attempt + 1 === TRIES || Date.now() - began > LAST_TRY_MS) throw failed;
        await pause(attempt);
      }
    }
  }
}

function parsed(body: Uint8Array): z.infer<typeof answerSchema> {
  try {
    return answerSchema.parse(JSON.parse(Buffer.from(body).toString('utf8')));
  } catch (error) {
    throw new ModelFailedError('model: answered with 200 and another shape than predictions', { cause: error });
  }
}

/**
 * A refusal (no endpoint, or a model that does not take our vectors) would be the same at once again; a failure need not be.
 * Every error of validation counts as a missing endpoint: AWS documents no name of its own for it.
 */
function meaning(error: unknown): { refused?: ScoreRefusedError; failed?: ModelFailedError } {
  if (!(error instanceof Error)) return {};
  if (error.name === 'ValidationError' || error.name === 'ValidationException') {
    return { refused: new ScoreRefusedError('endpoint: found none in service; train a model first') };
  }
  if (TRANSIENT.has(error.name)) return { failed: new ModelFailedError(`model: no answer (${error.name})`) };
  if (error.name !== 'ModelError') return {};
  const { OriginalStatusCode: status = 0, OriginalMessage: text } = error as {
    OriginalStatusCode?: number;
    OriginalMessage?: string;
  };
  if (status >= 400 && status < 500) {
    return { refused: new ScoreRefusedError(`model: ${error.message}`, 'mismatch', trainedOn(text)) };
  }
  // 0 where the container did not answer in time.
  return { failed: new ModelFailedError(`model: failed with status ${status}`) };
}

/** The definition hash in a refusal of ours; a model that says something else did not name one. */
function trainedOn(text: string | undefined): string | undefined {
  try {
    return refusalSchema.safeParse(JSON.parse(text ?? '')).data?.definition_hash;
  } catch {
    return undefined;
  }
}
