import { GlueClient } from '@aws-sdk/client-glue';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { requireModel } from '../../core/ir/parts.ts';
import { documentHash, inputHash } from '../../engine/retraining/admission.ts';
import { labelsSchema } from '../../engine/retraining/labels.ts';
import { admit, checkLabels, type Retraining } from '../../engine/retraining/retraining.ts';
import { objectKey } from '../../names/lake.ts';
import { type Admission, STARTED_BY } from '../../names/retraining.ts';
import { dynamoClient } from '../aws/dynamo/client.ts';
import { readEnvironment } from '../aws/environment.ts';
import { patient } from '../aws/patience.ts';
import { createTelemetry } from '../aws/telemetry.ts';
import { loadUseCase } from '../aws/use-case.ts';
import { schema } from './env.ts';
import { outcomeOf } from './executions.ts';
import { DynamoTrainingLedger } from './ledger.ts';
import { eventsSnapshot } from './snapshot.ts';

const env = readEnvironment(schema);
const { ir, view } = loadUseCase(import.meta.dirname);
const telemetry = createTelemetry(env);
const [s3, glue, sfn] = [new S3Client(patient()), new GlueClient(patient()), new SFNClient(patient())];
const retraining: Retraining = {
  ledger: new DynamoTrainingLedger(dynamoClient(), env.FEATURES_TABLE, requireModel(ir).model.name),
  outcomeOf: (execution) => outcomeOf(sfn, execution),
  now: Date.now,
};

const common = { execution: z.string(), by: z.enum(STARTED_BY), force: z.boolean() };
const inputSchema = z.discriminatedUnion('step', [
  /** Before anything is built. `as_of`, `seed`: as the machine was told, or nothing. */
  z.object({ ...common, step: z.literal('admit'), as_of: z.string(), seed: z.string() }),
  /** With the training set that was built. */
  z.object({ ...common, step: z.literal('labels'), training_set_id: z.string() }),
]);

/** Answers whether the execution goes on; the state machine acts on `decision`. */
export async function handler(event: unknown): Promise<Admission> {
  const asked = inputSchema.parse(event);
  // Whatever was trained before may be overruled by a person, and by nobody else.
  const force = asked.force && asked.by === 'hand';
  const decided = await (asked.step === 'admit'
    ? letIn({ ...asked, force })
    : labelsOf(asked.training_set_id).then((labels) =>
        checkLabels(retraining, asked.execution, labels, { force, minLabels: env.MIN_LABELS }),
      ));
  telemetry.info(asked.step, { by: asked.by, force, decision: decided.decision });
  return decided;
}

type Asked = Pick<Parameters<typeof admit>[1], 'execution' | 'by' | 'force'> & { as_of: string; seed: string };

async function letIn(asked: Asked) {
  const declared = requireModel(ir);
  const inputs = {
    // Another seed is another model of the same rows.
    ir: asked.seed === '' ? declared : { ...declared, model: { ...declared.model, seed: Number(asked.seed) } },
    definition_hash: view.definition_hash,
    snapshot_id: await eventsSnapshot(glue, s3, env.DATABASE),
    as_of: asked.as_of === '' ? null : asked.as_of,
  };
  const { execution, by, force } = asked;
  const hashes = { input_hash: inputHash(inputs), document_hash: documentHash(inputs) };
  return admit(retraining, { execution, by, force, cooldownHours: env.COOLDOWN_HOURS, ...hashes });
}

async function labelsOf(training_set_id: string) {
  const Key = objectKey('trainingSet', { training_set_id });
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: env.LAKE_BUCKET, Key }));
  return labelsSchema.parse(JSON.parse(await Body!.transformToString()));
}
