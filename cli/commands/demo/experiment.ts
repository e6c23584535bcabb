/** The first experiment that a use case declares, played: its second model is the same one by another seed. */
import type { ExperimentIR } from '../../../core/ir/document.ts';
import type { ExperimentReport } from '../../../names/reports.ts';
import { CliError } from '../../errors.ts';
import { runGlueJob } from '../../stage/jobs.ts';
import { readReport } from '../experiment/report.ts';
import { contenders, start } from '../experiment/run.ts';
import type { TrainedModel } from '../train/train.ts';
import type { Session } from './session.ts';
import { train, trainModel } from './stages.ts';

/** Any number but the use case's own gives another model of the same rows. */
const OTHER_SEED = 7;

export interface Trained {
  /** Of the use case as it stands: it serves. */
  readonly model: TrainedModel;
  /** Null: there is no experiment. */
  readonly challenger: TrainedModel | null;
}

/** The challenger first, as what was trained last serves; both learn from one training set. */
export async function trainModels(session: Session, trainingSetId: string, asOf: string): Promise<Trained> {
  if (!declared(session)) return { model: await trainModel(session, trainingSetId, asOf), challenger: null };
  const challenger = await train(session, 'challenger', 'Build the training set, train a challenger', {
    training_set_id: trainingSetId,
    as_of: asOf,
    seed: OTHER_SEED,
  });
  const title = 'Train, gate, register and deploy the model (Step Functions)';
  return { model: await train(session, 'training', title, { reuse: trainingSetId, as_of: asOf }), challenger };
}

const declared = ({ ir }: Session): ExperimentIR | undefined => ir.experiments?.[0];

/** Both models serve from here on. */
export async function startExperiment(session: Session, { challenger }: Trained): Promise<void> {
  const experiment = declared(session);
  if (!experiment || !challenger) return;
  const { connection, resources, signal } = session;
  const { clients } = connection;
  await session.timed(
    'experiment',
    `Start the experiment ${experiment.name}`,
    async ({ update }) => {
      const both = await contenders(clients, resources, challenger.version);
      await start(clients, resources, experiment, both, { signal, onState: update });
      return both;
    },
    (both) => `version ${both.challenger.version} against version ${both.champion.version}`,
  );
}

/** Needs the archive in the tables. @returns null where there is no experiment */
export async function analyseExperiment(session: Session): Promise<ExperimentReport | null> {
  const experiment = declared(session);
  if (!experiment) return null;
  const { connection, resources, signal } = session;
  const { clients } = connection;
  return session.timed(
    'analysis',
    'Analyse the experiment (Glue)',
    async ({ update }) => {
      const watch = { signal, onState: update };
      await runGlueJob(clients, resources, 'analyseExperiment', { experiment: experiment.name }, watch);
      const report = await readReport(clients, resources, experiment.name);
      if (!report) throw new CliError(`The analysis succeeded, but wrote no report of ${experiment.name}.`);
      return report;
    },
    ({ recommendation }) => recommendation.decision,
  );
}
