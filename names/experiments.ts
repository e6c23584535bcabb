/** An experiment as it runs: an item of the table of scores, which the command line writes and the functions read. */
import { z } from 'zod';
import { experimentSchema } from '../core/ir/experiment-schema.ts';

const instant = z.int();

export const experimentRecord = z.object({
  /** As it was declared when it started: what changes in the use case later changes nothing here. */
  experiment: experimentSchema,
  status: z.enum(['running', 'stopped', 'promoted']),
  /** ms UTC, by the wall clock. */
  started_at: instant,
  ended_at: instant.nullable(),
  /** Each wider than the one before; the last holds. */
  coverage: z.array(z.object({ at: instant, coverage: z.number().gt(0).max(1) })).min(1),
  /** ARNs in the registry, by variant. */
  packages: z.object({ champion: z.string(), challenger: z.string() }),
});
export type ExperimentRecord = z.infer<typeof experimentRecord>;

/** The share of entities that get a variant now. */
export const coverageOf = ({ coverage }: ExperimentRecord): number => coverage.at(-1)!.coverage;
