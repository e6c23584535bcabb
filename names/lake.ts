/** Where the lake bucket holds what: everything that writes or reads it says so here. */

/** The folders of the lake bucket. Each grant names the ones it is for. */
export const PREFIX = {
  /** Source files before they are landed. */
  history: 'raw/history/',
  events: 'archive/events/',
  quarantine: 'archive/quarantine/',
  predictions: 'archive/predictions/',
  /** Who was first scored in an experiment, when, and by which variant. */
  exposures: 'archive/exposures/',
  /** What became of alerts: told, or not told and by which rule. */
  alerts: 'archive/alerts/',
  /** What people said of alerts. */
  outcomes: 'archive/outcomes/',
  /** What the archiver gave up and nobody has put back: shard and positions, no records. */
  gaps: 'archive/gaps/',
  /** What sources admit to have lost. */
  sourceGaps: 'sources/gaps/',
  /** Warehouse of the Iceberg tables. */
  warehouse: 'iceberg/',
  trainingSets: 'training/',
  models: 'models/',
  /** What serves now, one object a use case: the in-process scorer and whoever asks from outside read it. */
  serving: 'serving/',
  /** Requests and answers of a model that only listened, as SageMaker captures them; a month old at most. */
  captured: 'captured/',
  /** How a model that only listened compared with the one that served: shares and figures, no rows. */
  shadowReports: 'reports/shadow/',
  /** Artefacts of an MLflow App. */
  mlflow: 'mlflow-files/',
  /** Who was erased: an object a tombstone, beside the items of the features table. No rule lets them go. */
  tombstones: 'tombstones/',
  /** Summaries of the consistency check and of erasures. */
  checks: 'checks/',
  /** What the nightly healing found and mended. */
  healing: 'reports/healing/',
  /** What experiments have come to: counts and intervals. */
  experiments: 'reports/experiments/',
  /** How records differed from their contracts: names and types. */
  drift: 'reports/drift/',
  /** Which lines of the quarantine were put back: positions, no records. */
  redriven: 'archive/redriven/',
  /** Questions about an entity's past and their answers: a day old at most, and a day more as old versions where there are any. */
  timeTravel: 'time-travel/',
  /** Lambda chooses this prefix itself for batches it gave up on: aws/lambda/<mapping>/<shard>/<yyyy>/<mm>/<dd>/… */
  failedBatches: 'aws/lambda/',
} as const;

export type LakePrefix = (typeof PREFIX)[keyof typeof PREFIX];

/**
 * S3 metadata of a history object: hex digits of the sha256 of the content that it was landed with. It is what refused lines are
 * known by, so it stays where an erasure blanks a line.
 */
export const CONTENT = 'tidemark-content';
export const CONTENT_DIGITS = 32;

/** How the names of packed lines end. */
export const NDJSON = '.ndjson.gz';

/** Keys of the objects that one side writes and another one finds; `{…}` stands for a part. `{day}`: yyyy-mm-dd, UTC. */
export const OBJECT = {
  /** Of a batch of the archiver, by its first and last sequence number. The day is that of its first arrival. */
  events: `${PREFIX.events}dt={day}/{shard}/{first}-{last}${NDJSON}`,
  /** As of events; behind the last sequence number also a hash of the refused positions. */
  quarantine: `${PREFIX.quarantine}dt={day}/{shard}/{first}-{last}${NDJSON}`,
  /** The day is that of the writing. */
  predictions: `${PREFIX.predictions}dt={day}/{id}${NDJSON}`,
  /** As predictions. */
  exposures: `${PREFIX.exposures}dt={day}/{id}${NDJSON}`,
  /** Of a batch of the publisher; the day is that of the writing. */
  alerts: `${PREFIX.alerts}dt={day}/{id}${NDJSON}`,
  outcomes: `${PREFIX.outcomes}dt={day}/{id}${NDJSON}`,
  gap: `${PREFIX.gaps}dt={day}/{shard}/{first}-{last}.json`,
  /** NDJSON of one line; the day is that on which it was heard of. */
  sourceGap: `${PREFIX.sourceGaps}dt={day}/{source}/{hash}${NDJSON}`,
  tombstone: `${PREFIX.tombstones}{hash}`,
  erasureReport: `${PREFIX.checks}erasure-{run}.json`,
  consistencyReport: `${PREFIX.checks}{run}.json`,
  /** The day is that on which the job began. */
  healingReport: `${PREFIX.healing}dt={day}/{run}.json`,
  experimentReport: `${PREFIX.experiments}{experiment}/report.json`,
  experimentPlot: `${PREFIX.experiments}{experiment}/plot.svg`,
  /** One finding of that day; `{id}` is a hash of it. */
  drift: `${PREFIX.drift}dt={day}/{id}${NDJSON}`,
  /** Positions that were put back at once, of an object of that folder of the quarantine; `{positions}` is a hash of them. */
  redriven: `${PREFIX.redriven}dt={day}/{shard}/{positions}${NDJSON}`,
  question: `${PREFIX.timeTravel}{request}/question.json`,
  answer: `${PREFIX.timeTravel}{request}/answer.json`,
  serving: `${PREFIX.serving}{usecase}.json`,
  shadowReport: `${PREFIX.shadowReports}{run}.json`,
  trainingSet: `${PREFIX.trainingSets}{training_set_id}/manifest.json`,
  rebuiltTrainingSet: `${PREFIX.trainingSets}{training_set_id}/rebuilt.json`,
} as const;

type Part<Template> = Template extends `${string}{${infer Name}}${infer Rest}` ? Name | Part<Rest> : never;

/** The key of an object: its name with all parts put in. */
export function objectKey<Name extends keyof typeof OBJECT>(
  name: Name,
  parts: Readonly<Record<Part<(typeof OBJECT)[Name]>, string>>,
): string {
  const values: Readonly<Record<string, string>> = parts;
  return OBJECT[name].replace(/\{(\w+)\}/g, (_, part: string) => values[part]!);
}

/** The day of an object's folder. @param at ms UTC */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** The same batch always has the same key. @param arrival_ms of its first record, ms UTC */
export function archiveKey(
  kind: 'events' | 'quarantine',
  arrival_ms: number,
  shard: string,
  first: string,
  last: string,
): string {
  return objectKey(kind, { day: dayOf(arrival_ms), shard, first, last });
}
