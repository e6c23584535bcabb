import { oracle } from '../../core/oracle.ts';
import { type Evaluation, eventsByEntity, type Vectors } from './evaluation.ts';

/** The executable specification, query by query. @param onProgress told how many queries are done */
export function evaluateByOracle(asked: Evaluation, onProgress: (done: number) => void = () => {}): Vectors {
  const { view, queries, knowledge } = asked;
  const known = eventsByEntity(asked.events);
  return queries.map(({ entity_id, t, knowledge: own = knowledge }, done) => {
    onProgress(done);
    const events = (known.get(entity_id) ?? []).map(({ event }) => event);
    return oracle(view, events, t, own === 'asof' ? t : own);
  });
}
