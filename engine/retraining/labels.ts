/** Whether a training set has labels to learn of that the last training had not. Pure. */
import { z } from 'zod';
import type { Admission } from '../../names/retraining.ts';
import type { LastTraining } from './admission.ts';

const SLICES = ['train', 'validation', 'test'] as const;

/** What its manifest says of it (glue-scripts/tidemark_spark/spark/training_set.py). */
export const labelsSchema = z.object({
  /** Of the entities, instants and labels of all rows. */
  spine_hash: z.string(),
  rows: z.record(z.enum(SLICES), z.int()),
  /** Share of the label 1; null of a slice without rows. */
  base_rates: z.record(z.enum(SLICES), z.number().nullable()),
});
export type Labels = z.infer<typeof labelsSchema>;

/**
 * @param training this one, as it was let in
 * @param minLabels of each kind, in each slice
 */
export function decideLabels(
  training: LastTraining,
  labels: Labels,
  { force, minLabels }: { readonly force: boolean; readonly minLabels: number },
): Admission {
  if (force) return { decision: 'train', reason: 'It was asked for whatever was trained before.' };
  const { learnt, document_hash } = training;
  const force_hint = training.by === 'hand' ? '; --force trains all the same' : '';
  if (learnt?.document_hash === document_hash && learnt.spine_hash === labels.spine_hash)
    return {
      decision: 'no matured labels',
      reason: `No label has matured since the last training${force_hint}.`,
    };
  const few = SLICES.flatMap((slice) => {
    const positives = Math.round((labels.base_rates[slice] ?? 0) * labels.rows[slice]);
    const least = Math.min(positives, labels.rows[slice] - positives);
    return least < minLabels ? [`${slice} has ${least} of the rarer label`] : [];
  });
  if (few.length > 0)
    return {
      decision: 'no matured labels',
      reason: `${few.join(', ')}; asked for are ${minLabels} of each kind in each slice${force_hint}.`,
    };
  return { decision: 'train', reason: 'New labels have matured.' };
}
