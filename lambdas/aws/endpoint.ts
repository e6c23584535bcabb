import {
  InvokeEndpointCommand,
  SageMakerRuntimeClient,
  type SageMakerRuntimeClientConfig,
} from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { pause } from '../../engine/backoff.ts';
import {
  type Endpoint,
  type EndpointAnswer,
  ModelFailedError,
  type ModelRows,
  ScoreRefusedError,
} from '../../engine/ports.ts';

const answerSchema = z.object({
  predictions: z.array(z.object({ score: z.number().min(0).max(1), contributions: z.array(z.number()) })),
  model_version: z.string(),
  definition_hash: z.string(),
});
/** Of an answer that is no such: who gave it. */
const signedSchema = z.object({ model_version: z.string() });

/** Told of each answer, so that a bad model is seen by its scores. */
export interface AnswersSeen {
  scores(model_version: string, scores: readonly number[]): void;
  /** An answer with scores that are no probabilities. @param model_version undefined where it does not say */
  invalid(model_version: string | undefined): void;
  /** A refusal in our words, by a model that was trained on another definition. */
  refused(model_version: string, trained_on: string): void;
}
/** The body of a refusal, as inference.py writes it. */
const refusalSchema = z.object({
  error: z.string(),
  definition_hash: z.string(),
  model_version: z.string().optional(),
});

/** A model answers in some milliseconds. One that needs longer than this hangs; SageMaker itself would wait for 60 s. */
const SILENCE_MS = 6000;
/** How often the SDK asks a model that hangs: the longest that one try takes is this often `SILENCE_MS`. */
const SILENT_TRIES = 2;
/** For how long a model that fails is asked again: during a canary the next try may meet the other fleet. */
export const PATIENCE = {
  /** With a last try that hangs, 17 s: an HTTP API waits for 29. */
  api: 5000,
  /** With a last try that hangs, 42 s: a scorer has 60, and each of its deliveries waits out that much of an outage. */
  stream: 30_000,
} as const;
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
export function runtimeClient(config: SageMakerRuntimeClientConfig = {}): SageMakerRuntimeClient {
  return new SageMakerRuntimeClient({
    ...config,
    maxAttempts: SILENT_TRIES,
    requestHandler: { connectionTimeout: 2000, socketTimeout: SILENCE_MS },
  });
}

/** The model behind a SageMaker endpoint; it answers only for the definition that we compute. */
export class SageMakerEndpoint implements Endpoint {
  private readonly client: SageMakerRuntimeClient;
  private readonly endpoint: string;
  private readonly definition_hash: string;
  private readonly patience_ms: number;
  private readonly seen: AnswersSeen | undefined;

  /**
   * @param patience_ms after which a model that fails is not asked again
   * @param seen @default - nobody is told
   */
  constructor(
    client: SageMakerRuntimeClient,
    endpoint: string,
    definition_hash: string,
    patience_ms: number,
    seen?: AnswersSeen,
  ) {
    this.client = client;
    this.endpoint = endpoint;
    this.definition_hash = definition_hash;
    this.patience_ms = patience_ms;
    this.seen = seen;
  }

  async score(instances: ModelRows, wanted?: string): Promise<EndpointAnswer> {
    const { definition_hash } = this;
    const { body, variant } = await this.invoke(JSON.stringify({ instances, definition_hash }), wanted);
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
    this.seen?.scores(
      body.model_version,
      body.predictions.map(({ score }) => score),
    );
    return { scores: body.predictions, variant, model_version: body.model_version };
  }

  /** Asks until the model answers or refuses, or patience is over: at once for a challenger, as the champion answers then. */
  private async invoke(body: string, wanted?: string): Promise<Answer> {
    const patience_ms = wanted === 'challenger' ? 0 : this.patience_ms;
    const began = Date.now();
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await this.client.send(
          new InvokeEndpointCommand({
            EndpointName: this.endpoint,
            ContentType: 'application/json',
            Accept: 'application/json',
            TargetVariant: wanted,
            Body: body,
          }),
        );
        return { body: this.parsed(answer.Body), variant: answer.InvokedProductionVariant ?? '' };
      } catch (error) {
        const { refused, by, failed } = meaning(error);
        if (by !== undefined && refused?.trained_on !== undefined) this.seen?.refused(by, refused.trained_on);
        if (refused) throw refused;
        if (!failed) throw error;
        if (Date.now() - began >= patience_ms) throw failed;
        await pause(attempt);
      }
    }
  }

  /** @throws ModelFailedError for another shape, also where a score is no probability: the other fleet may know better */
  private parsed(bytes: Uint8Array): z.infer<typeof answerSchema> {
    const text = Buffer.from(bytes).toString('utf8');
    try {
      return answerSchema.parse(JSON.parse(text));
    } catch (error) {
      this.seen?.invalid(signerOf(text));
      throw new ModelFailedError('model: answered with 200 and another shape than predictions', { cause: error });
    }
  }
}

interface Answer {
  readonly body: z.infer<typeof answerSchema>;
  readonly variant: string;
}

/** Who gave an answer that can't be used. NaN and infinities are no JSON, but what Python writes for them. */
function signerOf(text: string): string | undefined {
  try {
    const readable = text.replaceAll(/(?<=[[:,\s])-?(?:NaN|Infinity)(?=[\],}\s])/g, 'null');
    return signedSchema.safeParse(JSON.parse(readable)).data?.model_version;
  } catch {
    return undefined;
  }
}

/**
 * A refusal (no endpoint, or a model that does not take our vectors) would be the same at once again; a failure need not be.
 * Every error of validation counts as a missing endpoint: AWS documents no name of its own for it.
 */
function meaning(error: unknown): { refused?: ScoreRefusedError; by?: string; failed?: ModelFailedError } {
  if (!(error instanceof Error)) return {};
  if (error instanceof ModelFailedError) return { failed: error };
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
    const own = refusal(text);
    const said = own?.error ?? `refused with status ${status}, in words that are not ours`;
    return {
      refused: new ScoreRefusedError(`model: ${said}`, 'mismatch', own?.definition_hash),
      by: own?.model_version,
    };
  }
  // 0 where the container did not answer in time.
  return { failed: new ModelFailedError(`model: failed with status ${status}`) };
}

/** What a model of ours says; null for another. SageMaker's own message around it names account and log group. */
function refusal(text: string | undefined): z.infer<typeof refusalSchema> | null {
  try {
    return refusalSchema.safeParse(JSON.parse(text ?? '')).data ?? null;
  } catch {
    return null;
  }
}
