/** What `tidemark quarantine redrive` and the functions of sources say to each other. */
import { z } from 'zod';

/** Environment of a source's function: by these it is found in a deployment, whatever its name. */
export const INTAKE_VARIABLE = { source: 'SOURCE', carriage: 'CARRIAGE' } as const;

/** `<source> <carriage>` of a function by its variables; null: it is no source's. */
export function intakeFunction(variables: Readonly<Record<string, unknown>>): string | null {
  const { [INTAKE_VARIABLE.source]: source, [INTAKE_VARIABLE.carriage]: carriage } = variables;
  return typeof source === 'string' && typeof carriage === 'string' ? intakeKey(source, carriage) : null;
}

export const intakeKey = (source: string, carriage: string): string => `${source} ${carriage}`;

/** Invokes the function of a source once more with raw records that it refused: at most 6 MB, synchronously. */
export const redriveEvent = z.strictObject({
  redrive: z.array(
    z.strictObject({
      raw_base64: z.string(),
      /** When it first came, ms UTC. */
      received_ms: z.int(),
    }),
  ),
});
export type RedriveEvent = z.infer<typeof redriveEvent>;

/** For each record, in order: whether it is in the stream now. What is refused again stays under the same line. */
export const redriveAnswer = z.object({ taken: z.array(z.boolean()) });
export type RedriveAnswer = z.infer<typeof redriveAnswer>;
