import { type FeaturesAnswer, type FeaturesQuestion, featuresAnswer } from '../../../names/reports.ts';
import type { Clients } from '../../stage/connection.ts';
import type { Watch } from '../../stage/jobs.ts';
import { askLake } from '../../stage/questions.ts';
import type { Resources } from '../../stage/resources.ts';

/** Asks the Glue job. */
export async function featuresAt(
  clients: Pick<Clients, 'glue' | 'logs' | 's3'>,
  resources: Resources,
  question: FeaturesQuestion,
  watch: Watch = {},
): Promise<FeaturesAnswer> {
  return featuresAnswer.parse(await askLake(clients, resources, 'featuresAt', question, watch));
}
