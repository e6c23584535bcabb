/** A model as its training job packed it, checked against what was approved, and asked in this process. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DefinitionError } from '../../ir/errors.ts';
import { type Booster, readBooster } from './booster.ts';
import { type Calibration, calibrated, calibrationSchema } from './calibration.ts';
import { marginOf, rowOf } from './margin.ts';
import { contributionsOf } from './tree-shap.ts';

/** What is read of a model's archive; each has its sha256 in the manifest, which has its own in the package. */
type ModelFile = 'manifest.json' | 'model.json' | 'calibration.json';

const FORMAT = 1;
const FRAMEWORK = 'xgboost';
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** model/identity.py writes it. */
const manifestSchema = z.object({
  format: z.literal(FORMAT),
  framework: z.literal(FRAMEWORK),
  inputs: z.array(z.string()).min(1),
  definition_hash: z.string().min(1),
  model_version: z.string().min(1),
  model_sha256: sha256,
  files: z.record(z.string(), sha256),
});
type ManifestDocument = z.infer<typeof manifestSchema>;
/** For a message of its own: a model of another framework is a good one, and only cannot be walked. */
const aboutSchema = z.object({ format: z.unknown(), framework: z.unknown() });

export interface Answered {
  /** Calibrated probability. */
  readonly score: number;
  /** One an input, in log-odds. */
  readonly contributions: readonly number[];
}

/** Trees with their calibration. */
export class TreeModel {
  readonly definition_hash: string;
  readonly model_version: string;
  private readonly booster: Booster;
  private readonly calibration: Calibration;

  constructor(manifest: ManifestDocument, booster: Booster, calibration: Calibration) {
    this.definition_hash = manifest.definition_hash;
    this.model_version = manifest.model_version;
    this.booster = booster;
    this.calibration = calibration;
  }

  /** Values of a row. */
  get width(): number {
    return this.booster.inputs.length;
  }

  /**
   * @param rows each in the order of the model's inputs, null for unknown
   * @throws DefinitionError for another number of inputs, and for a number that binary32 can't hold
   */
  score(rows: readonly (readonly (number | null)[])[]): Answered[] {
    const { inputs } = this.booster;
    return rows.map((values) => {
      if (values.length !== inputs.length)
        throw new DefinitionError(
          'instances',
          `${values.length} values per row`,
          `${inputs.length}, one per model input`,
        );
      const row = rowOf(values);
      if (row === null) throw new DefinitionError('instances', 'a number beyond 3.4e38', 'finite numbers and null');
      return {
        score: calibrated(this.calibration, marginOf(this.booster, row)),
        contributions: [...contributionsOf(this.booster, row).subarray(0, inputs.length)],
      };
    });
  }
}

/**
 * @param files of the archive; others than those that are read may be among them
 * @param approved sha256 of the model that was approved: nothing else is loaded
 * @throws DefinitionError when files are missing, do not belong together, or are of a model that is not walked in a process
 */
export function readModel(files: ReadonlyMap<string, Uint8Array>, approved: string): TreeModel {
  const text = (name: ModelFile) => {
    const found = files.get(name);
    if (!found)
      throw new DefinitionError(name, 'nothing in the archive', 'what train.py writes; train the model again');
    return Buffer.from(found).toString('utf8');
  };
  const manifest = manifestOf(text('manifest.json'));
  if (manifest.model_sha256 !== approved || sha256Of(manifest) !== approved)
    throw new DefinitionError('manifest.json', 'another model than was approved', 'its files; deploy the model again');
  for (const name of ['model.json', 'calibration.json'] as const)
    if (digest(files.get(name) ?? '') !== manifest.files[name])
      throw new DefinitionError(name, 'other bytes than manifest.json says', 'its files; deploy the model again');
  const calibration = calibrationSchema.safeParse(JSON.parse(text('calibration.json')));
  if (!calibration.success)
    throw new DefinitionError('calibration.json', 'another shape', 'method platt or isotonic, with its numbers');
  return new TreeModel(manifest, readBooster(text('model.json'), manifest.inputs), calibration.data);
}

function manifestOf(text: string): ManifestDocument {
  const document: unknown = JSON.parse(text);
  const { framework } = aboutSchema.safeParse(document).data ?? {};
  if (typeof framework === 'string' && framework !== FRAMEWORK)
    throw new DefinitionError(
      'model.framework',
      `${framework}, which is served as ONNX`,
      `${FRAMEWORK} with endpoint.mode 'in-process'; serve this model by an endpoint`,
    );
  const manifest = manifestSchema.safeParse(document);
  if (manifest.success) return manifest.data;
  const field = manifest.error.issues[0]!.path.join('.');
  throw new DefinitionError(`manifest.json ${field}`, 'another shape', `format ${FORMAT}; train the model again`);
}

/** As `model_sha256` of model/identity.py: a line a file, sorted, and a last one with the hash of the view. */
function sha256Of({ files, definition_hash }: ManifestDocument): string {
  const lines = Object.keys(files)
    .sort()
    .map((name) => `${name} ${files[name]}\n`);
  return digest(`${lines.join('')}${definition_hash}\n`);
}

const digest = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex');
