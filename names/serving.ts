/** What serves, by variant: written by the state machine when a deployment ends, read by whoever asks the model or is asked about it. */
import { z } from 'zod';

/** The champion serves all; a challenger beside it takes part in an experiment. */
export type Variant = 'champion' | 'challenger';

/** A model package of the registry, with what is needed to load it. */
const servedPackage = z.object({
  package_arn: z.string().min(1),
  /** `s3://<lake>/models/…/model.tar.gz`. */
  model_data_url: z.string().startsWith('s3://'),
  /** Of the files that decide a score, and the definition (model/identity.py). */
  model_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  model_version: z.string().min(1),
});
export type ServedPackage = z.infer<typeof servedPackage>;

/** Object `serving` of the lake, one a use case. */
export const servingDocument = z.object({
  packages: z.object({ champion: servedPackage, challenger: servedPackage.optional() }),
  /** ISO 8601. */
  deployed_at: z.string().min(1),
});
export type ServingDocument = z.infer<typeof servingDocument>;
