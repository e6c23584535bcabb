import { InvokeEndpointCommand, type SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { type Endpoint, type EndpointAnswer, ScoreRefusedError } from './ports.ts';

const answerSchema = z.object({
  predictions: z.array(z.object({ score: z.number().min(0).max(1), contributions: z.array(z.number()) })),
  model_version: z.string(),
  definition_hash: z.string(),
});

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
    const answer = await this.client
      .send(
        new InvokeEndpointCommand({
          EndpointName: this.endpoint,
          ContentType: 'application/json',
          Accept: 'application/json',
          Body: JSON.stringify({ instances, definition_hash }),
        }),
      )
      .catch((error: unknown) => {
        throw refusal(error) ?? error;
      });
    const body = answerSchema.parse(JSON.parse(Buffer.from(answer.Body).toString('utf8')));
    if (body.definition_hash !== definition_hash) {
      throw new ScoreRefusedError(
        'definition_hash: found the hash of another definition; train and deploy a model for this one',
        'mismatch',
      );
    }
    if (body.predictions.length !== instances.length) {
      throw new Error(`predictions: found ${body.predictions.length}; allowed: ${instances.length}, one an instance`);
    }
    const variant = answer.InvokedProductionVariant ?? '';
    return { scores: body.predictions, variant, model_version: body.model_version };
  }
}

/** No endpoint yet, or a model that refuses our vectors: asking again would be refused again. */
function refusal(error: unknown): ScoreRefusedError | null {
  if (!(error instanceof Error)) return null;
  const status = (error as { OriginalStatusCode?: number }).OriginalStatusCode;
  const missing = error.name === 'ValidationError' || error.name === 'ValidationException';
  const refused = error.name === 'ModelError' && status !== undefined && status >= 400 && status < 500;
  if (!missing && !refused) return null;
  return missing
    ? new ScoreRefusedError('endpoint: found none in service; train a model first')
    : new ScoreRefusedError(`model: ${error.message}`, 'mismatch');
}
