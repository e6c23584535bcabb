/** Models that are loaded into the function itself, where a stage has no endpoint (`endpoint.mode: 'in-process'`). */
import { GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import { DefinitionError } from '../../core/ir/errors.ts';
import { readModel, type TreeModel } from '../../core/scores/trees/model.ts';
import {
  type Endpoint,
  type EndpointAnswer,
  ModelFailedError,
  type ModelRows,
  ScoreRefusedError,
} from '../../engine/ports.ts';
import { objectKey, PREFIX } from '../../names/lake.ts';
import { type ServedPackage, type ServingDocument, servingDocument, type Variant } from '../../names/serving.ts';
import { filesIn } from './archive.ts';
import type { AnswersSeen } from './endpoint.ts';

/** How long what serves is taken for true, so that a deployment reaches every function within a minute. */
const REMEMBERED_MS = 60_000;
/** Unpacked; larger is no model of trees, and would fill the function's memory. */
const MOST_BYTES = 64 * 2 ** 20;

interface Served {
  readonly champion: TreeModel;
  readonly challenger?: TreeModel;
}

/** Where models and the note of which of them serve are. */
export class InProcessLake {
  private readonly s3: S3Client;
  private readonly bucket: string;
  private readonly key: string;

  constructor(s3: S3Client, place: { readonly bucket: string; readonly use_case: string }) {
    this.s3 = s3;
    this.bucket = place.bucket;
    this.key = objectKey('serving', { usecase: place.use_case });
  }

  /** @returns null before the first deployment. @throws ModelFailedError when it can't be read */
  async serving(): Promise<ServingDocument['packages'] | null> {
    const found = await this.read(this.key);
    if (found === null) return null;
    const document = servingDocument.safeParse(JSON.parse(Buffer.from(found).toString('utf8')));
    if (!document.success) throw new ModelFailedError(`${this.key}: found another shape; deploy the model again`);
    return document.data.packages;
  }

  /**
   * @throws ScoreRefusedError when it is not the model that was approved, or none that is walked in a process
   * @throws ModelFailedError when it can't be read
   */
  async model({
    model_data_url,
    model_sha256,
  }: Pick<ServedPackage, 'model_data_url' | 'model_sha256'>): Promise<TreeModel> {
    const models = `s3://${this.bucket}/${PREFIX.models}`;
    if (!model_data_url.startsWith(models))
      throw new ScoreRefusedError(
        'model_data_url: found another place; allowed: models of the lake bucket',
        'mismatch',
      );
    const archive = await this.read(model_data_url.slice(`s3://${this.bucket}/`.length));
    if (archive === null)
      throw new ScoreRefusedError('model.tar.gz: found none at its place; deploy another version', 'mismatch');
    return modelIn(archive, model_sha256);
  }

  /** @returns null where there is no such object */
  private async read(key: string): Promise<Uint8Array | null> {
    try {
      const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
      return await Body!.transformToByteArray();
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw new ModelFailedError(`model: cannot be read (${error instanceof Error ? error.name : typeof error})`, {
        cause: error,
      });
    }
  }
}

/** The models of a use case, by what the deployment wrote down as serving; kept from call to call. */
export class InProcessModels {
  private readonly lake: InProcessLake;
  private readonly now: () => number;
  private readonly onFailure: (error: unknown) => void;
  private served: Served | null = null;
  private until = 0;
  private looking: Promise<Served> | null = null;
  /** By their sha256: a model that stays is not loaded again. */
  private models = new Map<string, TreeModel>();

  /** @param onFailure told why what was there goes on serving. @param now ms UTC */
  constructor(lake: InProcessLake, onFailure: (error: unknown) => void, now: () => number = Date.now) {
    this.lake = lake;
    this.onFailure = onFailure;
    this.now = now;
  }

  /**
   * As of a minute ago at most. A model that can't be loaded leaves the one before it serving, here; who has none fails.
   * @throws ScoreRefusedError when none was deployed yet, or the one that was is not the approved one or not of trees
   * @throws ModelFailedError when it can't be read
   */
  async current(): Promise<Served> {
    if (this.served !== null && this.now() < this.until) return this.served;
    // One look for all that wait: a batch asks for several versions of the view at once.
    this.looking ??= this.look().finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  private async look(): Promise<Served> {
    try {
      this.served = await this.load();
    } catch (error) {
      if (this.served === null) throw error;
      this.onFailure(error);
    }
    this.until = this.now() + REMEMBERED_MS;
    return this.served;
  }

  private async load(): Promise<Served> {
    const packages = await this.lake.serving();
    if (packages === null) throw new ScoreRefusedError('model: found none in service; train a model first');
    const { champion, challenger } = packages;
    const models = new Map<string, TreeModel>();
    for (const one of [champion, ...(challenger ? [challenger] : [])])
      models.set(one.model_sha256, this.models.get(one.model_sha256) ?? (await this.lake.model(one)));
    this.models = models;
    const of = ({ model_sha256 }: ServedPackage) => models.get(model_sha256)!;
    return { champion: of(champion), ...(challenger && { challenger: of(challenger) }) };
  }
}

/**
 * @param approved sha256 of the model that was approved
 * @throws ScoreRefusedError when it is another model, or none that is walked in a process: asking again changes nothing
 */
async function modelIn(archive: Uint8Array, approved: string): Promise<TreeModel> {
  try {
    return readModel(await filesIn(archive, MOST_BYTES), approved);
  } catch (error) {
    const said = error instanceof DefinitionError ? error.message : 'model.tar.gz: found what is no archive of a model';
    throw new ScoreRefusedError(`model: ${said}`, 'mismatch');
  }
}

/** A model in this process, in the place of a SageMaker endpoint; it answers only for the definition that we compute. */
export class InProcessEndpoint implements Endpoint {
  private readonly models: InProcessModels;
  private readonly definition_hash: string;
  private readonly seen: Pick<AnswersSeen, 'scores'> | undefined;

  /** @param seen @default - nobody is told */
  constructor(models: InProcessModels, definition_hash: string, seen?: Pick<AnswersSeen, 'scores'>) {
    this.models = models;
    this.definition_hash = definition_hash;
    this.seen = seen;
  }

  /** @param variant without a challenger the champion answers, as it does where an endpoint has one variant alone */
  async score(rows: ModelRows, variant: Variant = 'champion'): Promise<EndpointAnswer> {
    const served = await this.models.current();
    const asked = variant === 'challenger' && served.challenger ? variant : 'champion';
    const model = served[asked]!;
    if (model.definition_hash !== this.definition_hash)
      throw new ScoreRefusedError(
        'definition_hash: found the hash of another definition; train and deploy a model for this one',
        'mismatch',
        model.definition_hash,
      );
    try {
      const [scores, { model_version }] = [model.score(rows), model];
      this.seen?.scores(
        model_version,
        scores.map(({ score }) => score),
      );
      return { scores, variant: asked, model_version };
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      // The vectors are not for this model: as the container's 400.
      throw new ScoreRefusedError(`model: ${error.message}`, 'mismatch', model.definition_hash);
    }
  }
}
