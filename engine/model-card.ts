/** The registry's card of a model: what the training job wrote, and what only the gate knows. */
import { z } from 'zod';
import type { GateDecision } from './model-gate.ts';

/** What is read of card.json here; the rest passes through as it is. */
const cardSchema = z.looseObject({
  model_overview: z.looseObject({}),
  evaluation_details: z.array(z.looseObject({ name: z.string() })),
});
type Card = z.infer<typeof cardSchema>;

/** https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-details.html#model-card-schema */
const MOST = { artifact: 1024, observation: 2096, characters: 100_000 };

/**
 * @param card card.json of the training job
 * @param model_data_url where the model's archive is
 * @param manifest_uri where the manifest of its training set is
 * @throws Error when the registry would not take it
 */
export function completeCard(
  card: unknown,
  from: { readonly model_data_url: string; readonly manifest_uri: string; readonly decision: GateDecision },
): Card {
  const { model_overview, evaluation_details, ...rest } = cardSchema.parse(card);
  const { passed, reasons } = from.decision;
  const complete = {
    ...rest,
    model_overview: { ...model_overview, model_artifact: [from.model_data_url.slice(0, MOST.artifact)] },
    evaluation_details: [
      ...evaluation_details,
      {
        name: 'Gate',
        evaluation_observation: (passed ? 'Passed' : reasons.join('; ')).slice(0, MOST.observation),
        datasets: [from.manifest_uri.slice(0, MOST.artifact)],
      },
    ],
  };
  const { length } = JSON.stringify(complete);
  if (length > MOST.characters)
    throw new Error(`card.json: found ${length} characters; allowed: up to ${MOST.characters}, report fewer segments`);
  return complete;
}
