import { type LabelsQuestion, labelsAnswer } from '../../../names/reports.ts';
import type { Clients } from '../../stage/connection.ts';
import type { Watch } from '../../stage/jobs.ts';
import { askLake } from '../../stage/questions.ts';
import type { Resources } from '../../stage/resources.ts';
import type { Labels } from './figures.ts';
import type { RaisedAlert } from './read.ts';

/** What became of those who were flagged, as the training sets would label them: one rule, in one engine. */
export async function labelsOf(
  clients: Pick<Clients, 'glue' | 'logs' | 's3'>,
  resources: Resources,
  alerts: readonly RaisedAlert[],
  watch: Watch,
): Promise<Labels> {
  if (alerts.length === 0) return new Map();
  const question: LabelsQuestion = {
    entity_ids: alerts.map(({ entity_id }) => entity_id),
    instants: alerts.map(({ t }) => t),
  };
  const { labels } = labelsAnswer.parse(await askLake(clients, resources, 'labelsAt', question, watch));
  return new Map(
    alerts.flatMap(({ alert_id }, i) => (labels[i] == null ? [] : [[alert_id, labels[i] === 1] as const])),
  );
}
